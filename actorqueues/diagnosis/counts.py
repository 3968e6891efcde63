"""How many messages there are, by actor type, queue and status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from actorqueues.diagnosis.names import types_in_database
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, DeadLetter, Message, Wake

STATUSES = ("scheduled", "ready", "in flight", "retrying", "dead")


@dataclass(frozen=True)
class QueueCount:
    """So many messages of this status in this queue of all actors of this type together."""

    actor_type: str
    queue: str
    status: str
    messages: int


@dataclass(frozen=True)
class ActorCount:
    """So many actors of this type have a row, and so many of them are in a worker's memory now."""

    actor_type: str
    actors: int
    awake: int


def count_messages(using: str, actor_type: str | None = None) -> list[QueueCount]:
    """Counts by type, queue and status, in that order. It reads every message once: not for tight loops."""
    totals: Counter[tuple[str, str, str]] = Counter()
    for status, messages in by_status(using):
        for type_name, of_type in by_type(messages, using, actor_type):
            for queue, number in of_type.values_list("queue").annotate(Count("pk")):
                totals[type_name, queue, status] += number
    ordered = sorted(totals, key=lambda row: (row[0], row[1], STATUSES.index(row[2])))
    return [QueueCount(*row, totals[row]) for row in ordered]


def count_actors(using: str, actor_type: str | None = None) -> list[ActorCount]:
    """Actors that exist for their users, by type."""
    present = ActorInstance.objects.using(using).present()
    if actor_type is not None:
        present = present.filter(type=actor_type)
    counted = present.values_list("type").annotate(Count("pk"), Count("worker_id")).order_by("type")
    return [ActorCount(*row) for row in counted]


def by_status(using: str) -> Iterator[tuple[str, QuerySet[Any]]]:
    messages, now = Message.objects.using(using), now_of(using)
    waits = Q(retry_at__gt=now)
    yield "scheduled", messages.scheduled()
    yield "ready", messages.queued().filter(~waits, started_at__isnull=True)
    yield "in flight", messages.in_flight()
    yield "retrying", messages.retrying().filter(waits)
    yield "dead", DeadLetter.objects.using(using)


def by_type(
    messages: QuerySet[Any], using: str, actor_type: str | None
) -> Iterator[tuple[str, QuerySet[Any]]]:
    """The messages of each type. An actor that was never claimed has no row: its wakes know its type."""
    actors = ActorInstance.objects.using(using)
    wakes = Wake.objects.using(using)
    unclaimed = messages.filter(~Exists(actors.filter(pk=OuterRef("actor_id"))))
    for name in types_in_database(using) if actor_type is None else [actor_type]:
        woken = unclaimed.filter(Exists(wakes.filter(type=name, actor_id=OuterRef("actor_id"))))
        yield name, messages.filter(actor__type=name)
        yield name, woken
