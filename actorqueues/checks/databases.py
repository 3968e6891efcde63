"""The database's kind, and how SQLite is set up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.checks import which

SUPPORTED = ("sqlite", "postgresql")
NOT_YET = ("mysql", "mariadb")


@register("actorqueues")
def check_database(**options: Any) -> list[CheckMessage]:
    """E020: a database that is not supported. W021: SQLite transactions that do not begin IMMEDIATE."""
    connection = which.actors_connection()
    if connection is None:
        return []
    if connection.vendor not in SUPPORTED:
        return [unsupported(connection)]
    if connection.vendor == "sqlite" and transaction_mode(connection) != "IMMEDIATE":
        return [
            Warning(
                f'SQLite transactions on "{connection.alias}" do not begin IMMEDIATE: two that read and then '
                f'write fail with "database is locked" without waiting.',
                hint=f'In the OPTIONS of "{connection.alias}", set "transaction_mode": "IMMEDIATE".',
                id="actorqueues.W021",
            )
        ]
    return []


@register("actorqueues")
def check_memory(**options: Any) -> list[CheckMessage]:
    """W027: a SQLite database in memory, which no other process can see."""
    connection = which.actors_connection()
    if connection is None or connection.vendor != "sqlite" or not is_in_memory(connection):
        return []
    return [
        Warning(
            f'The SQLite database "{connection.alias}" is in memory: no worker process sees what is sent, and '
            f"nothing outlives this one.",
            hint=f'Give "{connection.alias}" the path of a file as its NAME.',
            id="actorqueues.W027",
        )
    ]


@register(Tags.database, "actorqueues")
def check_journal_mode(databases: Sequence[str] | None = None, **options: Any) -> Iterable[CheckMessage]:
    """W022: a SQLite file that is not in WAL mode. Asks the database, so only where Django allows that."""
    connection = which.actors_connection()
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


def is_in_memory(connection: BaseDatabaseWrapper) -> bool:
    name = str(connection.settings_dict.get("NAME") or "")
    return name == ":memory:" or "mode=memory" in name


def transaction_mode(connection: BaseDatabaseWrapper) -> str:
    return str(connection.settings_dict.get("OPTIONS", {}).get("transaction_mode") or "").upper()


def unsupported(connection: BaseDatabaseWrapper) -> CheckMessage:
    yet = " yet" if connection.vendor in NOT_YET else ""
    return Error(
        f'The database "{connection.alias}" is {connection.display_name}, which is not supported{yet}.',
        hint='Use SQLite or PostgreSQL, or name another database with ACTORQUEUES["DATABASE"].',
        id="actorqueues.E020",
    )
