"""Messages in flight and before another try. Their actors lead to them: no index of messages does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet

from actorqueues.diagnosis.mailboxes import MOST_ACTORS, known_queues
from actorqueues.diagnosis.names import distinct
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, Message
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.dialects.surveys import Mark

READ = 10_000  # messages at the heads of all queues together
MOST_HEADS = 100  # of one queue: a batch in hand
OF_ONE_ACTOR = 1_000  # messages of each of its queues, and scheduled ones
PROBED = 20  # queues of one actor that are looked for besides those in the code


@dataclass(frozen=True)
class Found:
    """Messages by their numbers; ``is_bounded``: there may be more."""

    ids: Sequence[int]
    is_bounded: bool = False


def in_flight(using: str) -> Found:
    """In the hands of actors that are awake."""
    awake = ActorInstance.objects.using(using).awake().order_by("worker_id")
    actors, is_bounded = some(awake)
    ids = [mark.id for mark in heads(actors, using) if mark.started_at is not None]
    return Found(ids, is_bounded)


def retrying(using: str) -> Found:
    """Their actors sleep until the next try, or are still awake since the last one."""
    now, actors = now_of(using), ActorInstance.objects.using(using)
    awake, many_awake = some(actors.awake().order_by("worker_id"))
    asleep, many_asleep = some(actors.filter(wake_at__gt=now).order_by("wake_at"))
    ids = [
        mark.id
        for mark in heads([*awake, *asleep], using)
        if mark.started_at is None and mark.retry_at is not None and mark.retry_at > now
    ]
    return Found(ids, many_awake or many_asleep)


def some(actors: QuerySet[ActorInstance]) -> tuple[list[tuple[str, UUID]], bool]:
    """Type and id of ``MOST_ACTORS`` at most, and whether there are more."""
    found = list(actors.values_list("type", "id")[: MOST_ACTORS + 1])
    return found[:MOST_ACTORS], len(found) > MOST_ACTORS


def heads(actors: Sequence[tuple[str, UUID]], using: str) -> Iterator[Mark]:
    """The more actors, the fewer messages of each: most work on one at a time."""
    queues = {type_name: known_queues(type_name) for type_name in {name for name, _id in actors}}
    places = [(actor_id, queue) for type_name, actor_id in actors for queue in queues[type_name]]
    deep = max(1, min(MOST_HEADS, READ // max(1, len(places))))
    wanted = [WantedHeads(actor_id, queue, deep) for actor_id, queue in places]
    yield from dialect_for(using).read_marks(connections[using], wanted) if wanted else ()


def mail_of(actor_id: UUID, type_name: str, using: str) -> Found:
    """One actor's messages: the first of each queue, and those that are due next."""
    wanted = [WantedHeads(actor_id, queue, OF_ONE_ACTOR) for queue in queues_of(actor_id, type_name, using)]
    marks = dialect_for(using).read_marks(connections[using], wanted) if wanted else []
    later = Message.objects.using(using).scheduled().filter(actor_id=actor_id).order_by("scheduled_at")
    scheduled = list(later.values_list("id", flat=True)[: OF_ONE_ACTOR + 1])
    depths: dict[str, int] = {}
    for mark in marks:
        depths[mark.queue] = depths.get(mark.queue, 0) + 1
    is_bounded = OF_ONE_ACTOR in depths.values() or len(scheduled) > OF_ONE_ACTOR
    return Found([*(mark.id for mark in marks), *scheduled[:OF_ONE_ACTOR]], is_bounded)


def queues_of(actor_id: UUID, type_name: str, using: str) -> list[str]:
    """In the code, and where there are few of them, those that code no longer knows."""
    known = known_queues(type_name)
    if len(known) > PROBED:
        return known
    mail = Message.objects.using(using).queued().filter(actor_id=actor_id)
    return sorted({*known, *distinct(mail, "queue")})
