"""How the SQLite file is used. Its journal mode and transactions are system checks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connections

from actorqueues.diagnosis.findings import Finding, error, info, ok, warning

PAGES_BEFORE_CHECKPOINT = range(100, 20_001)
BIG_LOG = 128 * 1024 * 1024  # bytes
LEAST_PATIENCE = 1000  # milliseconds
SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")
NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "lustre", "fuse.sshfs", "vboxsf")


def pragma(using: str, name: str) -> Any:
    with connections[using].cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        row = cursor.fetchone()
        return None if row is None else row[0]


def version(using: str) -> Iterator[Finding]:
    yield ok("sqlite-version", f"SQLite {sqlite3.sqlite_version}.")


def durability(using: str) -> Iterator[Finding]:
    mode = SYNCHRONOUS[int(pragma(using, "synchronous"))]
    if mode == "OFF":
        yield warning(
            "sqlite-synchronous",
            "synchronous is OFF: a crash of the machine may lose messages or damage the file.",
            'Put PRAGMA synchronous=NORMAL into the "init_command" of the database\'s OPTIONS; FULL also survives a '
            "loss of power with every message.",
        )
    else:
        yield ok("sqlite-synchronous", f"synchronous is {mode}.")


def patience(using: str) -> Iterator[Finding]:
    waits = int(pragma(using, "busy_timeout"))
    if waits < LEAST_PATIENCE:
        yield warning(
            "sqlite-timeout",
            f'Your own code waits {waits} ms for its turn to write, then fails with "database is locked".',
            'Set "timeout": 20 (seconds) in the database\'s OPTIONS.',
        )
    else:
        yield ok("sqlite-timeout", f"Your own code waits {waits / 1000:g} s for its turn to write.")


def log(using: str) -> Iterator[Finding]:
    """The write-ahead log: how often it goes into the file, and how big it is."""
    pages = int(pragma(using, "wal_autocheckpoint"))
    if pages not in PAGES_BEFORE_CHECKPOINT:
        yield warning(
            "sqlite-checkpoint",
            f"wal_autocheckpoint is {pages} pages: "
            + (
                "the log is never taken into the file."
                if pages <= 0
                else "checkpoints come too rarely or too often."
            ),
            "Take that pragma out of your settings (the default is 1000), or set 1000 to 4000.",
        )
    path = file_of(using)
    size = Path(f"{path}-wal").stat().st_size if path and Path(f"{path}-wal").exists() else 0
    if size > BIG_LOG:
        yield warning(
            "sqlite-wal",
            f"The write-ahead log has {size // 2**20} MB: somebody reads in one transaction for a long time, and "
            f"every reader becomes slow.",
            "Find the process that keeps a transaction open, and end it; the log is used anew from the start then.",
        )
    else:
        yield ok("sqlite-wal", f"The write-ahead log has {size // 1024} kB.")


def place(using: str) -> Iterator[Finding]:
    path = file_of(using)
    kind = file_system_of(path) if path else None
    if kind is not None and kind.startswith(NETWORK):
        yield error(
            "sqlite-network",
            f"{path} is on a network file system ({kind}), where SQLite's locks and its log do not work.",
            "Move the file to a local disk, with all workers on that machine, or use PostgreSQL.",
        )
    elif kind is None:
        yield info("sqlite-network", "On which file system the database is cannot be told here.")
    else:
        yield ok("sqlite-network", f"{path} is on a local file system ({kind}).")


def file_of(using: str) -> Path | None:
    """None for a database in memory."""
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        names = {name: path for _, name, path in cursor.fetchall()}
    return Path(names["main"]).resolve() if names.get("main") else None


def file_system_of(path: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """The kind of file system, on Linux."""
    try:
        lines = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return None
    found: dict[Path, str] = {}
    for _, point, kind, *_ in lines:
        found[Path(point.replace("\\040", " "))] = kind
    return next((found[parent] for parent in (path, *path.parents) if parent in found), None)
