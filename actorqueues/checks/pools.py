"""Connection pools: Django's own in each process, and a pooler in front of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.checks import which
from actorqueues.conf import settings
from actorqueues.diagnosis.pooling import shares_sessions
from actorqueues.wakeups import transport_of

OWN_CONNECTIONS = 3  # of a worker: journal, search for work, heartbeat
POOL_DEFAULT = 4  # psycopg_pool's


@register("actorqueues")
def check_pool(**options: Any) -> list[CheckMessage]:
    """E021: a pool and CONN_MAX_AGE. W025: a pool that is too small for a worker's threads."""
    connection = which.actors_connection()
    if connection is None or connection.vendor != "postgresql":
        return []
    pool = connection.settings_dict.get("OPTIONS", {}).get("pool")
    return [*clash_with_age(connection), *too_small(connection, pool)] if pool else []


def clash_with_age(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    age = connection.settings_dict.get("CONN_MAX_AGE", 0)
    if age != 0:
        yield Error(
            f'The database "{connection.alias}" has both a pool and CONN_MAX_AGE = {age}: Django refuses to '
            f"connect.",
            hint="Leave CONN_MAX_AGE at 0 where OPTIONS has a pool.",
            id="actorqueues.E021",
        )


def too_small(connection: BaseDatabaseWrapper, pool: Any) -> Iterator[CheckMessage]:
    try:
        needed = settings.LANES + OWN_CONNECTIONS
    except ImproperlyConfigured:
        return  # it has its own check
    size = size_of(pool)
    if size is not None and size < needed:
        yield Warning(
            f'The pool of "{connection.alias}" has at most {size} connections, and a worker with '
            f"{settings.LANES} lanes uses {needed}: its heartbeat may have to wait for a handler.",
            hint=f'Set OPTIONS["pool"]["max_size"] to {needed} or more, or LANES lower.',
            id="actorqueues.W025",
        )


def size_of(pool: Any) -> int | None:
    """The most connections of such a pool. None where that cannot be told."""
    given = pool if isinstance(pool, dict) else {}
    most = given.get("max_size")
    if most is None:  # psycopg_pool: then as many as at least
        most = given.get("min_size", POOL_DEFAULT)
    return most if isinstance(most, int) else None


@register(Tags.database, "actorqueues")
def check_pooler(databases: Sequence[str] | None = None, **options: Any) -> Iterable[CheckMessage]:
    """W023, W024: what does not work behind a pooler in transaction mode. Asks the database."""
    connection = which.actors_connection()
    if connection is None or connection.vendor != "postgresql" or connection.alias not in (databases or ()):
        return []
    return list(unpoolable(connection)) if is_transaction_pooled(connection.alias) else []


def is_transaction_pooled(alias: str) -> bool:
    import psycopg

    try:
        return shares_sessions(alias)
    except psycopg.Error:
        return False  # a database that is away: whoever needs it next will say so


def unpoolable(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if transport_of(connection.alias) == "notify":
        yield Warning(
            f'The database "{connection.alias}" is behind a pooler in transaction mode, where LISTEN does not '
            f"work: nobody is woken, and no error says so.",
            hint='Set ACTORQUEUES["WAKEUP"] to "poll", and POLL_INTERVAL to the latency you can accept.',
            id="actorqueues.W023",
        )
    if not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        yield Warning(
            f'The database "{connection.alias}" is behind a pooler in transaction mode, where server-side '
            f"cursors fail: QuerySet.iterator() in your code uses them.",
            hint=f'In DATABASES["{connection.alias}"], set "DISABLE_SERVER_SIDE_CURSORS": True.',
            id="actorqueues.W024",
        )
