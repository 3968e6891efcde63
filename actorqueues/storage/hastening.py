"""Somebody does not want to wait: a message is tried before its backoff is over, an actor wakes without mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connections, models

from actorqueues.models import ActorInstance, HistoryKind, Message
from actorqueues.storage.actors import append_wakes
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.history import add_entry, how_many


@dataclass(frozen=True)
class Hastened:
    """``messages`` are tried now; where a worker holds the actor it is none, and ``awake``."""

    messages: int
    awake: bool


def hasten_retries(
    actor_id: UUID, uid: UUID | None = None, *, user_id: str | None = None, using: str
) -> Hastened:
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
            return Hastened(0, awake=False)
        if actor.worker_id is not None:
            return Hastened(0, awake=True)
        waiting = in_backoff(actor_id, dialect.now(connection), uid, using)
        found = list(waiting.values_list("id", "uid", "queue"))
        hastened = waiting.filter(id__in=[row[0] for row in found]).update(retry_at=None)
        if hastened:
            actors.update(epoch=actor.epoch + 1)
            append_wakes([(actor.type, actor.id, actor.key)], using=using)
            tell(found, actor_id, user_id, using)
        return Hastened(hastened, awake=False)

    return dialect.transaction(work, connection)


def in_backoff(actor_id: UUID, now: datetime, uid: UUID | None, using: str) -> models.QuerySet[Message]:
    waiting = Message.objects.using(using).queued().retrying().filter(actor_id=actor_id, retry_at__gt=now)
    return waiting if uid is None else waiting.filter(uid=uid)


def tell(hastened: list[tuple[int, UUID, str]], actor_id: UUID, user_id: str | None, using: str) -> None:
    """One entry, however many they are."""
    (_id, uid, queue), *others = hastened
    about = {"note": how_many(len(hastened))} if others else {"queue": queue, "message_uid": uid}
    add_entry(actor_id, HistoryKind.RETRIED, user_id=user_id, using=using, **about)


def wake_actor(actor_id: UUID, type_name: str, key: str, *, user_id: str | None = None, using: str) -> None:
    """Asks for a worker to load the actor and look at its mailbox; a backoff goes on.

    Durable when it returns, or with the caller's transaction. The caller announces it as ``"work"``.
    """

    def work() -> None:
        append_wakes([(type_name, actor_id, key)], using=using)
        add_entry(actor_id, HistoryKind.WOKEN, user_id=user_id, using=using)

    dialect_for(using).transaction(work, connections[using])
