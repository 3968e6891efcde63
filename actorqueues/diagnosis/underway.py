"""Messages in flight and before another try. Their actors lead to them: no index of messages does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connections

from actorqueues.diagnosis.mailboxes import MOST_PLACES, Part, known_queues, part_of, places
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, Message
from actorqueues.models.actor import ActorQuerySet
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.dialects.surveys import Mark

READ = 5_000  # messages at the heads of all queues together
MOST_HEADS = 100  # of one queue: a batch in hand
OF_ONE_ACTOR = 1_000  # messages of each of its queues, and scheduled ones


@dataclass(frozen=True)
class Found:
    """Messages by their numbers, and how far was looked for them. None: as far as there are any."""

    ids: Sequence[int]
    actors: int | None = None
    heads: int | None = None
    """Messages of each queue."""


def in_flight(using: str, type_name: str = "") -> Found:
    """In the hands of actors that are awake: of this type, or of all."""
    awake = actors_of(type_name, using).awake().order_by("worker_id")
    return among_heads([part_of(awake, MOST_PLACES)], using, lambda mark: mark.started_at is not None)


def retrying(using: str, type_name: str = "") -> Found:
    """Their actors sleep until the next try, or are still awake since the last one."""
    now, actors = now_of(using), actors_of(type_name, using)
    awake = part_of(actors.awake().order_by("worker_id"), MOST_PLACES // 2)
    room = MOST_PLACES - places(awake.actors)
    asleep = part_of(actors.filter(wake_at__gt=now).order_by("wake_at"), room)
    return among_heads(
        [asleep, awake],
        using,
        lambda mark: mark.started_at is None and mark.retry_at is not None and mark.retry_at > now,
    )


def actors_of(type_name: str, using: str) -> ActorQuerySet:
    actors = ActorInstance.objects.using(using)
    return actors.filter(type=type_name) if type_name else actors.all()


def among_heads(parts: Sequence[Part], using: str, fits: Callable[[Mark], bool]) -> Found:
    """The more queues, the fewer messages of each are looked at: most work on one at a time."""
    actors = [actor for part in parts for actor in part.actors]
    queues = {name: known_queues(name) for name, _id in actors}
    deep = max(1, min(MOST_HEADS, READ // max(1, places(actors))))
    wanted = [WantedHeads(actor_id, queue, deep) for name, actor_id in actors for queue in queues[name]]
    marks = [mark for mark in dialect_for(using).read_marks(connections[using], wanted) if fits(mark)]
    return Found(
        [mark.id for mark in marks],
        actors=None if all(part.is_all for part in parts) else len(actors),
        heads=deep if deep in depths(marks) else None,
    )


def mail_of(actor_id: UUID, using: str) -> Found:
    """One actor's messages: the first of each queue, and those that are due next."""
    queues = dialect_for(using).queues_with_mail(connections[using], [actor_id])
    deep = max(1, min(OF_ONE_ACTOR, READ // max(1, len(queues))))
    wanted = [WantedHeads(actor_id, queue, deep) for _, queue in queues]
    marks = dialect_for(using).read_marks(connections[using], wanted)
    later = Message.objects.using(using).scheduled().filter(actor_id=actor_id).order_by("scheduled_at")
    scheduled = list(later.values_list("id", flat=True)[: deep + 1])
    is_bounded = deep in depths(marks) or len(scheduled) > deep
    return Found([*(mark.id for mark in marks), *scheduled[:deep]], heads=deep if is_bounded else None)


def depths(marks: Sequence[Mark]) -> set[int]:
    """How many of them there are of one queue."""
    return set(Counter((mark.actor_id, mark.queue) for mark in marks).values())


def queues_of(actor_id: UUID, type_name: str, using: str) -> list[str]:
    """In the code, and those with mail that code no longer knows."""
    stored = dialect_for(using).queues_with_mail(connections[using], [actor_id])
    return sorted({*known_queues(type_name), *(queue for _, queue in stored)})
