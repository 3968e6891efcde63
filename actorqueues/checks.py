"""System checks: mistakes in settings, definitions and the database, each with what to write instead.

Errors are ``actorqueues.E…``, warnings ``actorqueues.W…``; ``docs/reference/`` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.conf import settings
from actorqueues.definitions.registry import registry

SUPPORTED = ("sqlite", "postgresql")
NOT_YET = ("mysql", "mariadb")


@register("actorqueues")
def check_settings(**options: Any) -> list[CheckMessage]:
    """E001: a name that ``ACTORQUEUES`` has not. E002: a value of the wrong kind. E003: no such database."""
    found: list[CheckMessage] = [
        Error(problem.message, hint=problem.hint, id=f"actorqueues.{'E001' if problem.unknown else 'E002'}")
        for problem in settings.problems()
    ]
    if not found and settings.DATABASE not in connections:
        found.append(
            Error(
                f'ACTORQUEUES["DATABASE"] is "{settings.DATABASE}", and DATABASES has no such name.',
                hint=f"It has: {', '.join(connections)}.",
                id="actorqueues.E003",
            )
        )
    return found


@register("actorqueues")
def check_definitions(**options: Any) -> list[CheckMessage]:
    """E010 to E019, W015: mistakes in actor classes."""
    return [
        (Error if problem.id.startswith("E") else Warning)(
            problem.message, hint=problem.hint, obj=problem.subject, id=f"actorqueues.{problem.id}"
        )
        for problem in registry.problems
    ]


@register("actorqueues")
def check_database(**options: Any) -> list[CheckMessage]:
    """E020: a database that is not supported. W021: SQLite transactions that do not begin IMMEDIATE."""
    connection = _actors_connection()
    if connection is None:
        return []
    if connection.vendor not in SUPPORTED:
        return [_unsupported(connection)]
    if connection.vendor == "sqlite" and _transaction_mode(connection) != "IMMEDIATE":
        return [
            Warning(
                f'SQLite transactions on "{connection.alias}" do not begin IMMEDIATE: two that read and then '
                f'write fail with "database is locked" without waiting.',
                hint=f'In the OPTIONS of "{connection.alias}", set "transaction_mode": "IMMEDIATE".',
                id="actorqueues.W021",
            )
        ]
    return []


@register(Tags.database, "actorqueues")
def check_journal_mode(databases: Sequence[str] | None = None, **options: Any) -> Iterable[CheckMessage]:
    """W022: a SQLite file that is not in WAL mode. Asks the database, so only where Django allows that."""
    connection = _actors_connection()
    if connection is None or connection.vendor != "sqlite" or connection.alias not in (databases or ()):
        return []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = str(cursor.fetchone()[0]).lower()
    if mode in ("wal", "memory"):  # a database in memory has no other mode
        return []
    return [
        Warning(
            f'The SQLite file of "{connection.alias}" is in journal mode {mode}: its readers and the worker '
            f"block each other.",
            hint=f'In the OPTIONS of "{connection.alias}", set "init_command": "PRAGMA journal_mode=WAL;".',
            id="actorqueues.W022",
        )
    ]


def _actors_connection() -> BaseDatabaseWrapper | None:
    """The connection of ``ACTORQUEUES["DATABASE"]``; None where that is wrong, which has its own check."""
    try:
        alias = settings.DATABASE
    except ImproperlyConfigured:
        return None
    known = alias in connections.settings
    return connections[alias] if known else None


def _transaction_mode(connection: BaseDatabaseWrapper) -> str:
    return str(connection.settings_dict.get("OPTIONS", {}).get("transaction_mode") or "").upper()


def _unsupported(connection: BaseDatabaseWrapper) -> CheckMessage:
    yet = " yet" if connection.vendor in NOT_YET else ""
    return Error(
        f'The database "{connection.alias}" is {connection.display_name}, which is not supported{yet}.',
        hint='Use SQLite or PostgreSQL, or name another database with ACTORQUEUES["DATABASE"].',
        id="actorqueues.E020",
    )
