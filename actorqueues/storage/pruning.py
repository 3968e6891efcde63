"""Retention: what nobody needs any more goes, in batches, in transactions of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connections, models
from django.db.models import Exists, OuterRef

from actorqueues.conf import settings
from actorqueues.models import DeadLetter, Deduplication, Event, Message, Outcome
from actorqueues.storage.dialects import dialect_for

BATCH = 1000
TRANSIENT_LIFETIME = timedelta(seconds=30)


def prune(*, using: str) -> int:
    """Deletes at most one batch of each kind of expired row. Returns how many went; 0 means: nothing is left."""
    now = dialect_for(using).now(connections[using])
    events = Event.objects.using(using)
    # A key stays in use while its message waits and while its outcome is kept, however old it is.
    waiting = Exists(Message.objects.using(using).filter(uid=OuterRef("message_uid")))
    answered = Exists(Outcome.objects.using(using).filter(uid=OuterRef("message_uid"), expires_at__gt=now))
    expired: list[models.QuerySet[Any]] = [
        Outcome.objects.using(using).filter(expires_at__lte=now),
        Deduplication.objects.using(using).filter(expires_at__lte=now).exclude(waiting | answered),
        DeadLetter.objects.using(using).filter(died_at__lte=now - timedelta(seconds=settings.DEAD_RETENTION)),
        events.filter(created_at__lte=now - timedelta(seconds=settings.EVENT_RETENTION)),
        events.filter(number=None, created_at__lte=now - TRANSIENT_LIFETIME),
    ]
    return sum(delete_batch(rows, using) for rows in expired)


def delete_batch(rows: models.QuerySet[Any], using: str) -> int:
    connection, dialect = connections[using], dialect_for(using)

    def work() -> int:
        # Locked before they go: a dedupe key that expired may be taken anew at this moment.
        keys = list(dialect.lock(rows.order_by().values_list("pk", flat=True))[:BATCH])
        return len(dialect.delete(connection, rows.model, keys)) if keys else 0

    return dialect.transaction(work, connection)
