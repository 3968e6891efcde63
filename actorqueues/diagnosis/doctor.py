"""Looks at everything that can be wrong with actors in production."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from django.db import connections, transaction

from actorqueues.diagnosis import (
    mail,
    postgresql,
    project,
    sessions,
    sqlite,
    standing,
    tables,
    vacuum,
    workers,
)
from actorqueues.diagnosis.findings import Finding, error, warning

Examination = Callable[[str], Iterable[Finding]]

TIME_LIMIT = 5.0  # seconds for one examination
TICKS = 10_000  # of SQLite's virtual machine, between two looks at the clock

BEFORE: Sequence[Examination] = (project.checks, project.reachable)
BY_VENDOR: dict[str, Sequence[Examination]] = {
    "sqlite": (sqlite.version, sqlite.durability, sqlite.patience, sqlite.log, sqlite.place),
    "postgresql": (
        postgresql.version,
        postgresql.durability,
        postgresql.pooler,
        postgresql.room,
        vacuum.autovacuum,
        sessions.long_transactions,
        sessions.forgotten_horizons,
    ),
}
EVERYWHERE: Sequence[Examination] = (
    tables.indexes,
    workers.alive,
    workers.expired,
    workers.orphans,
    workers.versions,
    workers.unserved,
    workers.clocks,
    mail.oldest,
    mail.in_flight,
    mail.without_code,
    mail.stuck_wakes,
    standing.pauses,
    standing.paused_actors,
    standing.held_actors,
    standing.dead_letters,
)
OF_TABLES: dict[str, Sequence[Examination]] = {
    "sqlite": EVERYWHERE,
    "postgresql": (vacuum.options, vacuum.dead_rows, vacuum.updates_in_place, *EVERYWHERE),
}
# They need connections that are in no transaction, or wait on purpose.
UNBOUNDED = {project.checks, project.reachable, postgresql.pooler, mail.stuck_wakes}


def examine(using: str) -> Iterator[Finding]:
    """Every finding, as soon as it is known. One part that fails is a finding, and the others go on.

    Reads only, a few seconds in all; each part has a time limit.
    """
    for part in BEFORE:
        found = list(attempt(part, using))
        yield from found
        if is_wrong(found, "database"):
            return  # nothing else can be said
    vendor = connections[using].vendor
    for part in BY_VENDOR.get(vendor, ()):
        yield from attempt(part, using)
    migrations = list(attempt(project.migrations, using))
    yield from migrations
    if not is_wrong(migrations, "migrations"):
        for part in OF_TABLES.get(vendor, ()):
            yield from attempt(part, using)


def is_wrong(found: Iterable[Finding], id: str) -> bool:
    return any(one.id == id and one.level == "error" for one in found)


def attempt(part: Examination, using: str) -> Iterator[Finding]:
    began = time.monotonic()
    try:
        with nullcontext() if part in UNBOUNDED else time_limit(using, TIME_LIMIT):
            found = list(part(using))
    except Exception as problem:  # noqa: BLE001  whatever it is, the other parts may still find something
        yield not_examined(part, problem, time.monotonic() - began)
    else:
        yield from found


def not_examined(part: Examination, problem: Exception, seconds: float) -> Finding:
    name = f"{part.__module__.rpartition('.')[2]}.{part.__name__}"
    seen = f"{name} failed after {seconds:.1f} s: {type(problem).__name__}: {str(problem).strip()}"
    if seconds >= TIME_LIMIT * 0.9:
        return warning("not-examined", seen, "The database was too slow for it. Try again when it is quiet.")
    return error("not-examined", seen, "Correct what it says; if it is not yours to correct, report it.")


@contextmanager
def time_limit(using: str, seconds: float) -> Iterator[None]:
    """On PostgreSQL for each statement, on SQLite for all."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        # Local to a transaction: behind a pooler a session belongs to nobody.
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            yield
        return
    connection.ensure_connection()
    raw, until = connection.connection, time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > until, TICKS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)
