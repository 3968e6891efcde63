"""Which actor types and queues there are: in the code of this process, and in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connections

from actorqueues.definitions.names import suggestion
from actorqueues.definitions.registry import registry
from actorqueues.exceptions import UnknownActor, UnknownQueue
from actorqueues.models import ActorInstance, Wake

TYPES = """
WITH RECURSIVE found(type) AS (
    SELECT min(type) FROM {table}
    UNION ALL
    SELECT (SELECT min(t.type) FROM {table} t WHERE t.type > found.type) FROM found WHERE found.type IS NOT NULL
)
SELECT type FROM found WHERE type IS NOT NULL
"""
DUE = """
AND EXISTS (
    SELECT 1 FROM actorqueues_actor a
    WHERE a.type = found.type AND a.wake_at <= %s AND a.paused_at IS NULL AND a.status <> 'held'
)
"""


def types_in_database(using: str) -> list[str]:
    """Types that have actors, or mail for actors without a row yet. One index probe a type and table."""
    return sorted({*stored_types(ActorInstance, using), *stored_types(Wake, using)})


def stored_types(model: type[ActorInstance | Wake], using: str) -> list[str]:
    """However many rows there are of each: one index probe a type."""
    return types_by(TYPES.format(table=model._meta.db_table), using)


def types_due(now: datetime, using: str) -> list[str]:
    """Types with an actor that is due, as ``ActorQuerySet.due`` says it."""
    moment = connections[using].ops.adapt_datetimefield_value(now)
    return types_by(TYPES.format(table=ActorInstance._meta.db_table) + DUE, using, moment)


def types_by(statement: str, using: str, *parameters: Any) -> list[str]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
        return [name for (name,) in cursor.fetchall()]


def check_type(name: str, using: str) -> bool:
    """Whether this process has code for the type. Raises ``UnknownActor`` if the database has none of it either."""
    known = {actor.type_name for actor in registry.all()}
    if name in known:
        return True
    stored = types_in_database(using)
    if name in stored:
        return False
    raise UnknownActor(name=name, suggestion=suggestion(name, known | set(stored)))


def check_queue(type_name: str, queue: str) -> bool:
    """Whether this process has code for it. Raises ``UnknownQueue`` for a type whose code has no such queue."""
    known = {actor.type_name: actor for actor in registry.all()}.get(type_name)
    if known is None:
        return False
    if queue not in known.definition.queues:
        raise UnknownQueue(
            actor_type=type_name, name=queue, suggestion=suggestion(queue, known.definition.queues)
        )
    return True
