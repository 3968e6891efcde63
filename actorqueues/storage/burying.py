"""A message is put aside by a person: a dead letter that nobody's code asked for."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from django.db import connections

from actorqueues.definitions.text import storable
from actorqueues.models import (
    ActorInstance,
    DeadLetter,
    DeathReason,
    HistoryKind,
    Message,
    Outcome,
    Wake,
)
from actorqueues.storage.actors import append_wakes, insert_rows
from actorqueues.storage.applying import DEAD_COLUMNS
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.history import add_entry
from actorqueues.storage.outcomes import OUTCOME_COLUMNS, failed_row, kept_from
from actorqueues.storage.unclaimed import unknown_types

BURIED = "put aside by an operator"
LAST_ATTEMPT = "Its last attempt:"


class Burial(Enum):
    DONE = "done"
    IN_FLIGHT = "in flight"  # a worker is at it, or somebody else changes it at this moment
    GONE = "gone"  # settled, cancelled or dead already, or never there


def bury_message(
    uid: UUID, *, actor_id: UUID, note: str = "", user_id: str | None = None, using: str
) -> Burial:
    """Makes a dead letter of a message that is not in flight: it waits for its turn, its time or its next attempt.

    A sender who waits gets ``failed``; dedupe keys stay, as with every dead letter. Durable when it returns, or
    with the caller's transaction. The caller announces it: ``"done"`` with the message, ``"work"`` with the actor.
    """
    # Behind the actor's lock its journal writes nothing: no start mark, return, release or destroy comes between
    # our look and our commit. A worker that holds the actor may have the message in memory all the same, and
    # need not be told: it runs nothing without a start mark, and that is refused once the row is gone. (The first
    # attempt may run ahead of its mark, as with a cancel: what it commits is refused.) In its memory the queue
    # goes on at the message's next time; once the actor sleeps, at once: a release that had seen the message as
    # its head has written its time, so we leave a wake.
    connection, dialect = connections[using], dialect_for(using)
    messages = Message.objects.using(using).filter(uid=uid, actor_id=actor_id)

    def work() -> Burial:
        if not messages.exists():
            return Burial.GONE
        actor = lock_actor(actor_id, using)
        message = dialect.lock(messages.filter(started_at__isnull=True)).first()
        if message is None or not dialect.delete(connection, Message, [message.id]):
            return Burial.IN_FLIGHT if messages.exists() else Burial.GONE
        keep_dead(message, note, dialect.now(connection), using)
        if actor is not None and message.retry_at is not None:
            append_wakes([(actor.type, actor.id, actor.key)], using=using)
        add_entry(
            actor_id,
            HistoryKind.BURIED,
            user_id=user_id,
            queue=message.queue,
            message_uid=uid,
            note=storable(note),
            using=using,
        )
        return Burial.DONE

    return dialect.transaction(work, connection)


def lock_actor(actor_id: UUID, using: str) -> ActorInstance | None:
    """Made if it has only mail so far: a dead letter is listed and replayed through its actor's row."""
    mine = ActorInstance.objects.using(using).filter(id=actor_id).only("id", "type", "key")
    if not mine.exists():
        wakes = Wake.objects.using(using).filter(type__in=unknown_types((), using=using), actor_id=actor_id)
        insert_rows(
            [ActorInstance(id=wake.actor_id, type=wake.type, key=wake.key) for wake in wakes[:1]], using
        )
    return dialect_for(using).lock_waiting(mine).first()


def keep_dead(message: Message, note: str, now: datetime, using: str) -> None:
    connection, dialect = connections[using], dialect_for(using)
    said = storable(note) or BURIED
    error = said if message.error is None else f"{said}\n\n{LAST_ATTEMPT}\n{message.error}"
    letter = (
        message.uid, message.actor_id, message.id, message.queue, message.body, message.user_id, message.meta,
        message.keeps_outcome, message.enqueued_at, message.failures, message.crashes,
        DeathReason.BURIED.value, error, now,
    )  # fmt: skip
    dialect.insert(connection, DeadLetter, DEAD_COLUMNS, [letter])
    if message.keeps_outcome:
        times = kept_from(now)
        row = failed_row(message.uid, message.actor_id, message.queue, said, message.user_id, times)
        dialect.insert(connection, Outcome, OUTCOME_COLUMNS, [row])
