"""A message that waits out its backoff is tried now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connections, models

from actorqueues.models import ActorInstance, Message
from actorqueues.storage.actors import append_wakes
from actorqueues.storage.dialects import dialect_for


@dataclass(frozen=True)
class Hastened:
    """``messages`` are tried now; where a worker holds the actor it is none, and ``held``."""

    messages: int
    held: bool


def hasten_retries(actor_id: UUID, uid: UUID | None = None, *, using: str) -> Hastened:
    """Ends the backoff of an actor's messages (of one, with ``uid``), unless a worker holds the actor.

    A holder has the failing head and its time in memory: it would not see the change. Nor is the actor taken
    from it, for code that it runs at this moment may not be marked in the database yet. It lets go of the
    actor after its ``sleep_after``, long before a backoff of minutes is over.
    Durable when it returns, or with the caller's transaction.
    """
    connection, dialect = connections[using], dialect_for(using)

    def work() -> Hastened:
        # Waits for a claim or release that is under way, and keeps the next claim out: either the holder is
        # seen here, or whoever claims after our commit reads the changed row.
        actors = ActorInstance.objects.using(using).filter(id=actor_id)
        actor = dialect.lock_waiting(actors.only("id", "type", "key", "worker_id", "epoch")).first()
        if actor is None:
            return Hastened(0, held=False)
        if actor.worker_id is not None:
            return Hastened(0, held=True)
        waiting = in_backoff(actor_id, dialect.now(connection), uid, using)
        hastened = waiting.update(retry_at=None)
        if hastened:
            actors.update(epoch=actor.epoch + 1)
            append_wakes([(actor.type, actor.id, actor.key)], using=using)
        return Hastened(hastened, held=False)

    return dialect.transaction(work, connection)


def in_backoff(actor_id: UUID, now: datetime, uid: UUID | None, using: str) -> models.QuerySet[Message]:
    waiting = Message.objects.using(using).queued().retrying().filter(actor_id=actor_id, retry_at__gt=now)
    return waiting if uid is None else waiting.filter(uid=uid)
