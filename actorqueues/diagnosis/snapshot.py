"""Everything at a glance, at a cost that does not grow with what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actorqueues.diagnosis.depths import QueueDepth, queue_depths
from actorqueues.diagnosis.mailboxes import Part, heads_of, part_of, room_for, with_code
from actorqueues.diagnosis.statistics import Recent, recent
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, ActorStatus, DeadLetter, Pause, Wake, Worker
from actorqueues.storage.dialects.surveys import Mark

COUNTED = 1_000  # dead letters, paused and held actors: more than that is "many"
CANDIDATES = 200  # actors that may have the oldest mail, of each kind
CANDIDATE_PLACES = 200  # queues that these have together
AWAKE_PLACES = 2_000  # queues of actors that may be at work
NEWEST = 5  # dead letters
BEHIND = 4  # messages of a queue that may be in flight together, and one more


@dataclass(frozen=True)
class Oldest:
    """The message that has waited longest for its turn, among the actors that have waited longest."""

    actor_id: UUID
    actor_type: str
    mark: Mark


@dataclass(frozen=True)
class Snapshot:
    """Counts of dead letters, paused and held actors end at ``COUNTED`` + 1."""

    at: datetime
    depths: Sequence[QueueDepth]
    oldest: Oldest | None
    at_work: int
    """Actors with something in flight, among those that were looked at."""
    all_awake_seen: bool
    """False: there may be more at work."""
    workers: Sequence[Worker]
    pauses: Sequence[Pause]
    paused_actors: int
    held_actors: int
    dead_letters: int
    newest_dead: Sequence[DeadLetter]
    statistics: Recent


def take_snapshot(using: str) -> Snapshot:
    now, actors = now_of(using), ActorInstance.objects.using(using)
    awake = part_of(actors.awake().order_by("worker_id"), AWAKE_PLACES)
    heads = heads_of(awake.actors, using)
    pauses = list(Pause.objects.using(using).order_by("type", "queue"))
    letters = DeadLetter.objects.using(using)
    return Snapshot(
        at=now,
        depths=queue_depths(using),
        oldest=oldest(using, now, awake, {(pause.type, pause.queue) for pause in pauses}),
        at_work=sum(any(head.started_at for head in marks) for marks in heads.values()),
        all_awake_seen=awake.is_all,
        workers=list(Worker.objects.using(using).order_by("started_at")),
        pauses=pauses,
        paused_actors=actors.filter(paused_at__isnull=False).order_by()[: COUNTED + 1].count(),
        held_actors=actors.filter(status=ActorStatus.HELD).order_by()[: COUNTED + 1].count(),
        dead_letters=letters.order_by()[: COUNTED + 1].count(),
        newest_dead=list(letters.defer("body", "meta").order_by("-died_at")[:NEWEST]),
        statistics=recent(using),
    )


def oldest(using: str, now: datetime, awake: Part, pauses: set[tuple[str, str]]) -> Oldest | None:
    """Looks where mail is found: the first wakes, the actors due for longest, those in memory."""
    wakes = Wake.objects.using(using).order_by("id").values_list("type", "actor_id")[:CANDIDATES]
    due = with_code(ActorInstance.objects.using(using).due(now)).order_by("wake_at")
    types: dict[UUID, str] = {}
    for actors in (wakes, due.values_list("type", "id")[:CANDIDATES], awake.actors[:CANDIDATES]):
        types.update(fitting(actors, CANDIDATE_PLACES))
    # Some of each queue: the first may be in flight, and hold up those behind it.
    heads = heads_of([(name, actor_id) for actor_id, name in types.items()], using, limit=BEHIND)
    waiting = [
        mark
        for marks in heads.values()
        for mark in marks
        if mark.started_at is None
        and (mark.retry_at is None or mark.retry_at <= now)
        and not {(types[mark.actor_id], ""), (types[mark.actor_id], mark.queue)} & pauses
    ]
    if not waiting:
        return None
    first = min(waiting, key=lambda mark: mark.enqueued_at)
    return Oldest(first.actor_id, types[first.actor_id], first)


def fitting(actors: Iterable[tuple[str, UUID]], room: int) -> dict[UUID, str]:
    """The types of the first of them, as many as have so many queues together."""
    found: dict[UUID, str] = {}
    for type_name, actor_id in actors:
        room -= 0 if actor_id in found else room_for(type_name)
        if room < 0:
            break
        found[actor_id] = type_name
    return found
