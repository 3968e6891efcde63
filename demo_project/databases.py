"""The two databases that the demo and the tests run on, as Django wants them described."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def sqlite(path: Path | str) -> dict[str, Any]:
    """A SQLite file that several processes write to."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            # A transaction that begins by reading and then writes cannot wait for its turn: it fails at once.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def postgresql(url: str) -> dict[str, Any]:
    """``postgresql://user:password@host:port/name``; ``?host=/directory`` names a socket's directory."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"{parts.scheme}:// is not a PostgreSQL address: begin it with postgresql://")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(options.pop("port", parts.port or "")),
        "OPTIONS": options,
    }


def from_url(url: str, default: Path) -> dict[str, Any]:
    """The database at this address; the SQLite file ``default`` where there is none."""
    if not url:
        return sqlite(default)
    if url.startswith("sqlite:"):
        return sqlite(url.removeprefix("sqlite:").removeprefix("//").replace("//", "/", 1))
    return postgresql(url)
