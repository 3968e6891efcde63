"""Who keeps PostgreSQL from cleaning up: old transactions, forgotten prepared ones, replication slots."""

from __future__ import annotations

from collections.abc import Iterator

from actorqueues.diagnosis.findings import Finding, duration, ok, some, warning
from actorqueues.diagnosis.postgresql import rows

LONG = 300  # seconds
OLD_HORIZON = 10_000_000  # transactions

SESSIONS = """
SELECT pid, coalesce(nullif(application_name, ''), usename, '?'), state,
    extract(epoch FROM clock_timestamp() - xact_start)
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    AND xact_start < clock_timestamp() - make_interval(secs => %s)
ORDER BY xact_start
"""
PREPARED = """
SELECT gid, extract(epoch FROM clock_timestamp() - prepared) FROM pg_prepared_xacts
WHERE database = current_database() AND prepared < clock_timestamp() - make_interval(secs => %s)
"""
SLOTS = """
SELECT slot_name, greatest(age(xmin), age(catalog_xmin)) FROM pg_replication_slots
WHERE greatest(age(xmin), age(catalog_xmin)) > %s
"""


def long_transactions(using: str) -> Iterator[Finding]:
    found = rows(using, SESSIONS, [LONG])
    if not found:
        yield ok("long-transactions", f"Nobody has been in a transaction for more than {duration(LONG)}.")
        return
    texts = [f"{name} (pid {pid}, {state}, {duration(float(age))})" for pid, name, state, age in found]
    yield warning(
        "long-transactions",
        f"In one transaction for long: {some(texts)}. Until they end, no dead row goes.",
        f"Find out what they do, or end them: SELECT pg_terminate_backend({found[0][0]}); "
        "idle_in_transaction_session_timeout ends those that do nothing.",
    )


def forgotten_horizons(using: str) -> Iterator[Finding]:
    prepared = [gid for gid, _ in rows(using, PREPARED, [LONG])]
    slots = [name for name, _ in rows(using, SLOTS, [OLD_HORIZON])]
    if prepared:
        yield warning(
            "prepared-transactions",
            f"Prepared and never ended: {some(prepared)}. They hold their locks, and no dead row goes.",
            f"COMMIT PREPARED or ROLLBACK PREPARED '{prepared[0]}';",
        )
    if slots:
        yield warning(
            "replication-slots",
            f"Replication slots that hold back vacuum: {some(slots)}.",
            "Start their replica, or drop them: SELECT pg_drop_replication_slot('…').",
        )
    if not prepared and not slots:
        yield ok("prepared-transactions", "No forgotten prepared transaction or replication slot.")
