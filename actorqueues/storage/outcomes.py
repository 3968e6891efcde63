"""What became of a message: for senders who wait, and for those who come back later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connections

from actorqueues.conf import settings
from actorqueues.models import DeadLetter, Message, OutcomeStatus
from actorqueues.storage.dialects import Row, dialect_for


class StoredOutcome(NamedTuple):
    uid: UUID
    actor_id: UUID
    queue: str
    status: str  # an OutcomeStatus
    reply: str | None  # JSON text
    error: str | None
    user_id: str | None  # of its sender


OUTCOME_COLUMNS = (
    "uid", "actor_id", "queue", "status", "reply", "error", "user_id", "settled_at", "expires_at",
)  # fmt: skip


Times = tuple[datetime, datetime]
"""When something was settled, and until when that is kept."""


def kept_from(now: datetime) -> Times:
    return now, now + timedelta(seconds=settings.REPLY_RETENTION)


def completed_row(
    uid: UUID, actor_id: UUID, queue: str, reply: str | None, user_id: str | None, times: Times
) -> Row:
    return (uid, actor_id, queue, OutcomeStatus.COMPLETED.value, reply, None, user_id, *times)


def failed_row(
    uid: UUID, actor_id: UUID, queue: str, error: str | None, user_id: str | None, times: Times
) -> Row:
    return (uid, actor_id, queue, OutcomeStatus.FAILED.value, None, error, user_id, *times)


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """A message that has no outcome yet."""

    uid: UUID
    actor_id: UUID
    queue: str
    status: str  # "ready", "scheduled", "in_flight", "retrying" or "dead"
    attempt: int
    error: str | None  # of its last failed attempt
    keeps_outcome: bool
    enqueued_at: datetime
    user_id: str | None  # of its sender


def read_outcomes(uids: Iterable[UUID], *, using: str) -> dict[UUID, StoredOutcome]:
    """The outcomes that are there and have not expired."""
    rows = dialect_for(using).live_outcomes(connections[using], list(uids))
    return {row[0]: StoredOutcome(*row) for row in rows}


def message_status(uid: UUID, *, using: str) -> MessageStatus | None:
    """Where a message stands that is stored or dead-lettered; None when nothing is known of it."""
    message = Message.objects.using(using).filter(uid=uid).defer("body", "meta").first()
    if message is not None:
        status = status_of(message, dialect_for(using).now(connections[using]))
        return MessageStatus(
            uid, message.actor_id, message.queue, status, message.attempt, message.error,
            message.keeps_outcome, message.enqueued_at, message.user_id,
        )  # fmt: skip
    dead = DeadLetter.objects.using(using).filter(uid=uid).defer("body", "meta").first()
    if dead is None:
        return None
    attempts = dead.failures + dead.crashes
    return MessageStatus(
        uid,
        dead.actor_id,
        dead.queue,
        "dead",
        attempts,
        dead.error or dead.reason,
        dead.keeps_outcome,
        dead.enqueued_at,
        dead.user_id,
    )


def status_of(message: Message, now: datetime) -> str:
    """``now`` by the database's clock: once its next attempt is due, a message is as ready as any other."""
    if message.scheduled_at is not None:
        return "scheduled"
    if message.started_at is not None:
        return "in_flight"
    return "retrying" if message.retry_at is not None and message.retry_at > now else "ready"
