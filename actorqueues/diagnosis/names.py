"""Which actor types and queues there are: in the code of this process, and in the database."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import QuerySet

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


def types_in_database(using: str) -> list[str]:
    """Types that have actors, or mail for actors without a row yet. One index probe a type and table."""
    return sorted({*stored_types(ActorInstance, using), *stored_types(Wake, using)})


def stored_types(model: type[ActorInstance | Wake], using: str) -> list[str]:
    """As ``distinct``, in one query: a page may not make one for each type."""
    with connections[using].cursor() as cursor:
        cursor.execute(TYPES.format(table=model._meta.db_table))
        return [name for (name,) in cursor.fetchall()]


def distinct(rows: QuerySet[Any], field: str) -> list[Any]:
    """The different values of a field that an index begins with, however many rows there are of each."""
    values = rows.order_by(field).values_list(field, flat=True)
    found, value = [], values.first()
    while value is not None:
        found.append(value)
        value = values.filter(**{f"{field}__gt": value}).first()
    return found


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
