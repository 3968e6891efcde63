"""Settings, definitions, and whether the database is there and migrated."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.core.checks import run_checks
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from actorqueues.diagnosis.findings import Finding, Level, error, ok, some


def checks(using: str) -> Iterator[Finding]:
    """The system checks of actorqueues. Those that ask the database only if it answers."""
    databases = [] if why_away(using) else [using]
    messages = run_checks(tags=["actorqueues"], databases=databases)
    for message in messages:
        level: Level = "error" if message.level >= logging.ERROR else "warning"
        yield Finding(level, message.id or "", message.msg, message.hint or "")
    if not messages:
        yield ok("checks", "Settings, actor classes and database options are as they should be.")


def reachable(using: str) -> Iterator[Finding]:
    connection = connections[using]
    where = connection.settings_dict["NAME"]
    if why := why_away(using):
        yield error(
            "database",
            f'"{using}" ({connection.display_name}, {where}) does not answer: {why}',
            f'Start the database, or correct DATABASES["{using}"]. Nothing else could be looked at.',
        )
    else:
        yield ok("database", f'"{using}" is {connection.display_name}, {where}.')


def why_away(using: str) -> str:
    """Empty where the database answers."""
    connection = connections[using]
    try:
        connection.close_if_unusable_or_obsolete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as problem:  # noqa: BLE001  drivers and Django refuse in many ways
        return str(problem).strip() or type(problem).__name__
    return ""


def migrations(using: str) -> Iterator[Finding]:
    executor = MigrationExecutor(connections[using])
    wanted = executor.loader.graph.leaf_nodes("actorqueues")
    missing = [migration.name for migration, _ in executor.migration_plan(wanted)]
    if missing:
        option = "" if using == "default" else f" --database {using}"
        yield error(
            "migrations",
            f"Not applied: {some(missing)}.",
            f"Run manage.py migrate actorqueues{option}, before workers of this version start.",
        )
    else:
        yield ok("migrations", "All are applied.")
