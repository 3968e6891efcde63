"""PostgreSQL as a server: durability, poolers, connections. Vacuum has a module of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections

from actorqueues.diagnosis.findings import Finding, error, info, ok, warning
from actorqueues.diagnosis.pooling import shares_sessions

LEAST_ROOM = 0.1  # of max_connections

USED = """
SELECT count(*), current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


def rows(using: str, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall())


def value(using: str, name: str) -> str:
    return str(rows(using, "SELECT current_setting(%s)", [name])[0][0])


def version(using: str) -> Iterator[Finding]:
    yield ok("postgresql-version", f"PostgreSQL {value(using, 'server_version')}.")


def durability(using: str) -> Iterator[Finding]:
    off = [name for name in ("fsync", "full_page_writes") if value(using, name) == "off"]
    if off:
        yield error(
            "postgresql-fsync",
            f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} off: a crash of the machine may destroy the "
            f"whole database.",
            "Turn it on in postgresql.conf. Off is for databases that may be lost.",
        )
    else:
        yield ok("postgresql-fsync", "fsync and full_page_writes are on.")
    if value(using, "synchronous_commit") == "off":
        yield warning(
            "postgresql-synchronous-commit",
            "synchronous_commit is off: a crash of the server loses what was sent or settled a moment before.",
            "Turn it on for this database and role, unless you can lose messages: "
            "ALTER DATABASE … RESET synchronous_commit; ALTER ROLE … RESET synchronous_commit.",
        )
    else:
        yield ok("postgresql-synchronous-commit", "What is sent is on disk when send() returns.")


def pooler(using: str) -> Iterator[Finding]:
    """Whether there is one; what then must be set is a system check."""
    if shares_sessions(using):
        yield info(
            "postgresql-pooler",
            "A pooler in transaction mode stands in front of the server.",
            'WAKEUP has to be "poll", and DISABLE_SERVER_SIDE_CURSORS True; checks say so if they are not.',
        )
    else:
        yield ok("postgresql-pooler", "Sessions are kept: no pooler in transaction mode.")


def room(using: str) -> Iterator[Finding]:
    used, most = rows(using, USED)[0]
    seen = f"{used} of {most} connections of the server are in use."
    if used > most * (1 - LEAST_ROOM):
        yield warning(
            "postgresql-connections",
            seen,
            "A worker takes one for each lane and about five more. Raise max_connections, start fewer processes, or "
            "put a pooler in front.",
        )
    else:
        yield ok("postgresql-connections", seen)
