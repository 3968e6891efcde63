"""What is at the head of many mailboxes, in one query. So many queues are looked into, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet

from actorqueues.definitions.registry import registry
from actorqueues.models import ActorInstance
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.dialects.surveys import Mark

MOST_PLACES = 5_000  # queues of all actors together that a page looks into: each is an index probe


@dataclass(frozen=True)
class Part:
    """The actors, as ``(type, id)``, that are looked at. ``is_all``: there are no others."""

    actors: Sequence[tuple[str, UUID]]
    is_all: bool
    until: datetime | None = None
    """When the first one wakes that was left out."""


def known_queues(type_name: str) -> list[str]:
    """In this process's code; none for a type without code."""
    found = registry.find(type_name)
    return [] if found is None else list(found.definition.queues)


def room_for(type_name: str) -> int:
    return max(1, len(known_queues(type_name)))


def places(actors: Iterable[tuple[str, UUID]]) -> int:
    """How many queues they have, together."""
    return sum(room_for(type_name) for type_name, _id in actors)


def with_code(actors: QuerySet[ActorInstance]) -> QuerySet[ActorInstance]:
    return actors.filter(type__in=[actor.type_name for actor in registry.all()])


def part_of(actors: QuerySet[ActorInstance], most: int) -> Part:
    """The first of them that this process has code for, as many as have ``most`` queues together."""
    part: list[tuple[str, UUID]] = []
    for type_name, actor_id, wake_at in with_code(actors).values_list("type", "id", "wake_at")[: most + 1]:
        most -= room_for(type_name)
        if most < 0:
            return Part(part, is_all=False, until=wake_at)
        part.append((type_name, actor_id))
    return Part(part, is_all=True)


def heads_of(actors: Iterable[tuple[str, UUID]], using: str, limit: int = 1) -> dict[UUID, list[Mark]]:
    """The first messages of each queue that the code knows of these ``(type, id)``."""
    wanted = [
        WantedHeads(actor_id, queue, limit)
        for type_name, actor_id in actors
        for queue in known_queues(type_name)
    ]
    found: dict[UUID, list[Mark]] = {}
    for mark in dialect_for(using).read_marks(connections[using], wanted):
        found.setdefault(mark.actor_id, []).append(mark)
    return found
