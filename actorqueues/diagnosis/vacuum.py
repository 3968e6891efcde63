"""Whether PostgreSQL keeps up with tables that turn over their whole content all the time."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from actorqueues.diagnosis.findings import Finding, error, ok, some, warning
from actorqueues.diagnosis.postgresql import rows, value
from actorqueues.diagnosis.tables import our_tables

MANY = 20_000  # rows below which nothing matters
MOST_DEAD = 0.5  # of a table's rows
LEAST_IN_PLACE = 0.5  # of the updates
UPDATED = ("actorqueues_message",)  # an actor's claim and release change what is in its indexes

OPTIONS = """
SELECT c.relname, coalesce(c.reloptions, '{}') FROM pg_class c
WHERE c.relname = ANY(%s) AND c.relkind = 'r' AND pg_table_is_visible(c.oid)
"""
COUNTS = """
SELECT relname, n_live_tup, n_dead_tup, n_tup_upd, n_tup_hot_upd, coalesce(last_autovacuum, last_vacuum)
FROM pg_stat_user_tables WHERE relname = ANY(%s) ORDER BY relname
"""


def options_of(using: str) -> dict[str, dict[str, str]]:
    """What ALTER TABLE … SET was given, by table."""
    return {
        table: dict(option.split("=", 1) for option in given)
        for table, given in rows(using, OPTIONS, [our_tables()])
    }


def autovacuum(using: str) -> Iterator[Finding]:
    off = [name for name in ("autovacuum", "track_counts") if value(using, name) == "off"]
    if off:
        yield error(
            "autovacuum",
            f"{' and '.join(off)} off on the whole server: the queue tables only grow, and everything slows down.",
            "Turn it on in postgresql.conf.",
        )
    tables = [
        table for table, given in options_of(using).items() if given.get("autovacuum_enabled") == "false"
    ]
    if tables:
        yield error(
            "autovacuum",
            f"autovacuum is off for {some(sorted(tables))}.",
            f"ALTER TABLE {sorted(tables)[0]} RESET (autovacuum_enabled);",
        )
    if not off and not tables:
        yield ok("autovacuum", "autovacuum is on.")


def options(using: str) -> Iterator[Finding]:
    """What migration 0002 has set: a restore or a copy of the tables may have lost it."""
    given, wanted = options_of(using), wanted_options()
    missing = {
        table: {name: setting for name, setting in settings.items() if name not in given.get(table, {})}
        for table, settings in wanted.items()
    }
    for table, lost in missing.items():
        if lost:
            text = ", ".join(f"{name} = {setting}" for name, setting in lost.items())
            yield warning(
                "table-options", f"{table} has lost its {some(lost)}.", f"ALTER TABLE {table} SET ({text});"
            )
    if not any(missing.values()):
        yield ok("table-options", "Fill factor and autovacuum of the queue tables are set.")


def wanted_options() -> dict[str, dict[str, str]]:
    migration: Any = import_module("actorqueues.migrations.0002_postgresql_storage")
    return {
        table: migration.VACUUM | ({} if factor is None else {"fillfactor": str(factor)})
        for table, factor in migration.TABLES.items()
    }


def dead_rows(using: str) -> Iterator[Finding]:
    worst = ""
    for table, live, dead, *_, vacuumed in rows(using, COUNTS, [our_tables()]):
        share = dead / max(live + dead, 1)
        if dead > MANY and share > MOST_DEAD:
            worst = table
            when = f"last vacuumed {vacuumed:%Y-%m-%d %H:%M} UTC" if vacuumed else "never vacuumed"
            yield warning(
                "table-dead-rows",
                f"{table}: {dead:,} dead rows beside {live:,} live ones ({share:.0%}), {when}.",
                "Autovacuum does not keep up, or is held back (see long-transactions). VACUUM "
                f"{table}; helps at once; more autovacuum_max_workers help for good.",
            )
    if not worst:
        yield ok("table-dead-rows", "Vacuum keeps up.")


def updates_in_place(using: str) -> Iterator[Finding]:
    low = ""
    for table, _, _, updates, in_place, _ in rows(using, COUNTS, [list(UPDATED)]):
        if updates > MANY and in_place / updates < LEAST_IN_PLACE:
            low = table
            yield warning(
                "table-updates",
                f"{table}: only {in_place / updates:.0%} of {updates:,} updates were made in place (HOT).",
                "Look whether somebody has added an index to the table, and whether its fillfactor is set (see "
                "table-options). VACUUM FULL in a quiet hour gives the pages that were filled before their room.",
            )
    if not low:
        yield ok("table-updates", "Rows are updated in place.")
