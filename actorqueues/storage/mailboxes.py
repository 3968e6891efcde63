"""Reading mailboxes for delivery, and putting scheduled messages into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections

from actorqueues.models import ActorInstance, ActorStatus, Message
from actorqueues.storage.dialects import Head, Standing, WantedHeads, dialect_for

PROMOTE_CHUNK = 1000
PROMOTE_PAUSE = timedelta(milliseconds=10)
PROMOTED_COLUMNS = (
    "uid", "actor_id", "queue", "body", "user_id", "meta", "keeps_outcome", "enqueued_at",
    "expires_at", "failures", "crashes", "error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MailRequest:
    """What a holder wants to read: at most so many heads of each queue."""

    actor_id: UUID
    epoch: int
    limits: Mapping[str, int]
    promotes: bool  # a scheduled message may be due


@dataclass(slots=True)
class Mail:
    """One actor's answer."""

    ours: bool  # the epoch still matches
    paused: bool
    destroying: bool
    heads: list[Head] = field(default_factory=list)
    next_scheduled_at: datetime | None = None


def read_mail(requests: Sequence[MailRequest], *, using: str) -> tuple[datetime, dict[UUID, Mail]]:
    """Reads the heads of many actors' queues at once. Returns the database's time with them.

    Always from the head, never above a high-water mark: a lower number can commit later.
    """
    connection, dialect = connections[using], dialect_for(using)
    if promoting := {request.actor_id: request.epoch for request in requests if request.promotes}:
        dialect.transaction(lambda: promote_messages(promoting, using), connection)
    wanted = [
        WantedHeads(request.actor_id, queue, limit)
        for request in requests
        for queue, limit in request.limits.items()
    ]
    actor_ids = [request.actor_id for request in requests]
    now, found, heads = dialect.read_mailboxes(connection, actor_ids, wanted)
    standings = {standing.actor_id: standing for standing in found}
    mail = {request.actor_id: mail_for(request, standings.get(request.actor_id), now) for request in requests}
    for head in heads:
        mail[head.actor_id].heads.append(head)
    return now, mail


def mail_for(request: MailRequest, standing: Standing | None, now: datetime) -> Mail:
    if standing is None:
        return Mail(False, False, False)
    first = standing.next_scheduled_at
    if first is not None and request.promotes:
        # One that is due and still there is locked, or there were too many: not at once, or we would spin.
        first = max(first, now + PROMOTE_PAUSE)
    is_destroying = standing.status == ActorStatus.DESTROYING
    return Mail(standing.epoch == request.epoch, standing.is_paused, is_destroying, [], first)


def promote_messages(epochs: Mapping[UUID, int], using: str) -> None:
    """Moves due scheduled messages to the tail of their queue: a new number, in the order of their times."""
    connection, dialect = connections[using], dialect_for(using)
    actors = ActorInstance.objects.using(using).filter(id__in=list(epochs))
    locked = dialect.lock(actors.order_by("id").values_list("id", "epoch"))
    ours = [actor_id for actor_id, epoch in locked if epoch == epochs[actor_id]]
    scheduled = Message.objects.using(using).scheduled().filter(actor_id__in=ours)
    due = scheduled.filter(scheduled_at__lte=dialect.now(connection)).order_by("scheduled_at", "id")
    # Those that are being cancelled are locked, and left out.
    rows = list(dialect.lock(due.values_list("id", *PROMOTED_COLUMNS))[:PROMOTE_CHUNK])
    if rows:
        dialect.delete(connection, Message, [row[0] for row in rows])
        dialect.insert(connection, Message, PROMOTED_COLUMNS, [row[1:] for row in rows])


def count_due(types: Sequence[str], *, using: str) -> int:
    """Messages of claimed actors of these types that wait for nothing but their turn. Reads them all."""
    now = dialect_for(using).now(connections[using])
    messages = Message.objects.using(using).queued().filter(actor__type__in=types)
    return messages.exclude(retry_at__gt=now).count()
