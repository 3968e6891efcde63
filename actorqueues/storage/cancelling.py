from __future__ import annotations

import json
from uuid import UUID

from django.db import connections

from actorqueues.models import HistoryKind, Message, Outcome
from actorqueues.storage.deduplication import free_keys
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.history import add_entry
from actorqueues.storage.outcomes import OUTCOME_COLUMNS, failed_row, kept_from

CANCELLED = "cancelled"


def cancel_message(uid: UUID, *, actor_id: UUID, user_id: str | None = None, using: str) -> bool:
    """Takes a message back that was never started. False: it has started, is settled, or never was.

    Frees its dedupe keys; a sender who waits gets ``failed``. Durable when it returns, or with the
    caller's transaction.
    """
    connection, dialect = connections[using], dialect_for(using)
    unstarted = Message.objects.using(using).filter(
        uid=uid, actor_id=actor_id, started_at__isnull=True, failures=0, crashes=0
    )

    def work() -> bool:
        # A row that is locked is being started: it is passed over, like one that has started.
        message = dialect.lock(unstarted.only("id", "queue", "user_id", "meta", "keeps_outcome")).first()
        if message is None or not dialect.delete(connection, Message, [message.id]):
            return False
        keys = json.loads(message.meta).get("keys", ()) if message.meta else ()
        if keys:
            free_keys([UUID(hex=key) for key in keys], [uid], using=using)
        if message.keeps_outcome:
            answer_cancelled(message, uid, actor_id, using)
        add_entry(
            actor_id,
            HistoryKind.CANCELLED,
            user_id=user_id,
            queue=message.queue,
            message_uid=uid,
            using=using,
        )
        return True

    return bool(dialect.transaction(work, connection))


def answer_cancelled(message: Message, uid: UUID, actor_id: UUID, using: str) -> None:
    dialect, connection = dialect_for(using), connections[using]
    times = kept_from(dialect.now(connection))
    row = failed_row(uid, actor_id, message.queue, CANCELLED, message.user_id, times)
    dialect.insert(connection, Outcome, OUTCOME_COLUMNS, [row])
