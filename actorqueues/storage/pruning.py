"""Retention: what nobody needs any more goes, in batches, in transactions of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, models
from django.db.models import Exists, OuterRef, Subquery

from actorqueues.conf import settings
from actorqueues.models import (
    ActorInstance,
    ActorStatus,
    DeadLetter,
    Deduplication,
    Event,
    HistoryEntry,
    Message,
    Outcome,
    Statistic,
    Wake,
)
from actorqueues.storage.dialects import dialect_for

BATCH = 1000
TRANSIENT_LIFETIME = timedelta(seconds=30)
TOMBSTONE_LIFETIME = timedelta(days=30)


@dataclass(frozen=True)
class Kind:
    """One kind of row that expires: ``expired(using, until)`` selects those that had had their time then."""

    name: str
    expired: Callable[[str, datetime], models.QuerySet[Any]]
    retention: Callable[[], timedelta] | None = None  # None: the row itself says when it expires
    least: timedelta = timedelta(0)  # no shorter retention may be asked for


def expired_outcomes(using: str, now: datetime) -> models.QuerySet[Any]:
    return Outcome.objects.using(using).filter(expires_at__lte=now)


def expired_keys(using: str, now: datetime) -> models.QuerySet[Any]:
    """A key stays in use while its message waits and while its outcome is kept, however old it is."""
    waiting = Exists(Message.objects.using(using).filter(uid=OuterRef("message_uid")))
    answered = Exists(Outcome.objects.using(using).filter(uid=OuterRef("message_uid"), expires_at__gt=now))
    return Deduplication.objects.using(using).filter(expires_at__lte=now).exclude(waiting | answered)


def old_dead_letters(using: str, until: datetime) -> models.QuerySet[Any]:
    return DeadLetter.objects.using(using).filter(died_at__lte=until)


def old_events(using: str, until: datetime) -> models.QuerySet[Any]:
    return Event.objects.using(using).filter(created_at__lte=until)


def old_transient_events(using: str, until: datetime) -> models.QuerySet[Any]:
    return old_events(using, until).filter(number=None)


def old_history(using: str, until: datetime) -> models.QuerySet[Any]:
    return HistoryEntry.objects.using(using).filter(happened_at__lte=until)


def old_statistics(using: str, until: datetime) -> models.QuerySet[Any]:
    return Statistic.objects.using(using).old(until)


def old_tombstones(using: str, until: datetime) -> models.QuerySet[Any]:
    """Those that nothing waits for. A new row of theirs begins with a higher epoch (``first_epoch``)."""
    tombstones = ActorInstance.objects.using(using).filter(
        status=ActorStatus.DESTROYED, destroyed_at__lte=until, worker_id=None, paused_at=None
    )
    # Not EXISTS: where few actors have all the mail, its first row looks near, and all mail is read to find none.
    # In the order of an index it can but be looked up there.
    mail = Message.objects.using(using).filter(actor_id=OuterRef("id"))
    # A wake without mail must go on meeting the tombstone: without it, it would make an actor.
    here = {"actor_id__gte": OuterRef("id"), "actor_id__lte": OuterRef("id")}
    wakes = Wake.objects.using(using).filter(type=OuterRef("type"), **here)
    return tombstones.annotate(
        queued=Subquery(mail.queued().order_by("queue", "id").values("id")[:1]),
        scheduled=Subquery(mail.scheduled().order_by("scheduled_at").values("id")[:1]),
        woken=Subquery(wakes.order_by("actor_id").values("id")[:1]),
    ).filter(queued=None, scheduled=None, woken=None)


KINDS: Sequence[Kind] = (
    Kind("outcomes", expired_outcomes),
    Kind("dedupe-keys", expired_keys),
    Kind("dead-letters", old_dead_letters, lambda: timedelta(seconds=settings.DEAD_RETENTION)),
    Kind("events", old_events, lambda: timedelta(seconds=settings.EVENT_RETENTION)),
    Kind("transient-events", old_transient_events, lambda: TRANSIENT_LIFETIME),
    Kind("history", old_history, lambda: timedelta(seconds=settings.HISTORY_RETENTION)),
    Kind("statistics", old_statistics, lambda: timedelta(seconds=settings.STATISTICS_RETENTION)),
    Kind("tombstones", old_tombstones, lambda: TOMBSTONE_LIFETIME, least=TOMBSTONE_LIFETIME),
)


def prune(*, using: str) -> int:
    """Deletes at most one batch of each kind of expired row. Returns how many went; 0 means: nothing is left."""
    return sum(prune_kind(kind, using=using) for kind in KINDS)


def prune_kind(
    kind: Kind, *, batch: int | None = None, retention: timedelta | None = None, using: str
) -> int:
    """Deletes at most one batch of this kind; returns how many went. ``retention`` replaces the kind's own."""
    return delete_batch(rows_to_prune(kind, retention=retention, using=using), batch or BATCH, using)


def rows_to_prune(kind: Kind, *, retention: timedelta | None = None, using: str) -> models.QuerySet[Any]:
    now = dialect_for(using).now(connections[using])
    if kind.retention is None:
        return kind.expired(using, now)
    return kind.expired(using, now - (kind.retention() if retention is None else retention))


def delete_batch(rows: models.QuerySet[Any], batch: int, using: str) -> int:
    connection, dialect = connections[using], dialect_for(using)

    def work() -> int:
        # Locked before they go: a dedupe key that expired may be taken anew at this moment, a tombstone revived.
        keys = list(dialect.lock(rows.order_by().values_list("pk", flat=True))[:batch])
        return len(dialect.delete(connection, rows.model, keys)) if keys else 0

    return dialect.transaction(work, connection)
