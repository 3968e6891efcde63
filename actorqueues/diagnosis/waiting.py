"""What one message waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.db import connections

from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.workers import live, now_of
from actorqueues.models import ActorInstance, ActorStatus, Message
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.pausing import read_pauses

MOST_BEFORE = 1_000  # messages that are counted


class Reason(Enum):
    """The first that holds."""

    NOTHING = "it is in flight"
    TIME = "its time"
    END = "its actor is being destroyed"
    HELD = "its actor's state does not load"
    ACTOR_PAUSED = "its actor is paused"
    TYPE_PAUSED = "its type is paused"
    QUEUE_PAUSED = "its queue is paused"
    CODE = "there is no code for it"
    RETRY = "its next attempt"
    TURN = "others are before it"
    NO_WORKER = "no worker lives"
    UNSERVED = "no live worker serves its type"
    WORKER = "a worker"


@dataclass(frozen=True)
class Wait:
    reason: Reason
    until: datetime | None = None
    before: int = 0
    """Messages ahead of it in its queue, ``MOST_BEFORE`` + 1 for more."""


def wait_of(message: Message, actor: ActorInstance | None, using: str) -> Wait:
    """``actor``: None if nobody knows it any more."""
    now = now_of(using)
    if message.started_at is not None:
        return Wait(Reason.NOTHING)
    if message.scheduled_at is not None and message.scheduled_at > now:
        return Wait(Reason.TIME, message.scheduled_at)
    if actor is not None and (stopped := why_stopped(message, actor, using)):
        return Wait(stopped)
    if message.retry_at is not None and message.retry_at > now:
        return Wait(Reason.RETRY, message.retry_at)
    if message.scheduled_at is None and (before := messages_before(message, using)):
        return Wait(Reason.TURN, before=before)
    return Wait(Reason.WORKER if actor is None else worker_wanted(actor, using))


def why_stopped(message: Message, actor: ActorInstance, using: str) -> Reason | None:
    pauses, found = read_pauses(using=using), registry.find(actor.type)
    if actor.status == ActorStatus.DESTROYING:
        return Reason.END
    if actor.status == ActorStatus.HELD:
        return Reason.HELD
    if actor.paused_at is not None:
        return Reason.ACTOR_PAUSED
    if (actor.type, "") in pauses:
        return Reason.TYPE_PAUSED
    if (actor.type, message.queue) in pauses:
        return Reason.QUEUE_PAUSED
    unknown = found is None or message.queue not in found.definition.queues
    return Reason.CODE if unknown else None


def messages_before(message: Message, using: str) -> int:
    mine = WantedHeads(message.actor_id, message.queue, MOST_BEFORE + 1)
    marks = dialect_for(using).read_marks(connections[using], [mine])
    return sum(mark.id < message.id for mark in marks)


def worker_wanted(actor: ActorInstance, using: str) -> Reason:
    workers = live(using)
    if not workers:
        return Reason.NO_WORKER
    served = {name for worker in workers for name in worker.types.split(",")}
    return Reason.WORKER if actor.type in served else Reason.UNSERVED
