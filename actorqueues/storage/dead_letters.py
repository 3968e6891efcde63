from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import connections

from actorqueues.models import DeadLetter, Outcome
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.sending import MESSAGE_COLUMNS

CHUNK = 1000


def list_dead_letters(actor_id: UUID, *, using: str) -> list[DeadLetter]:
    """An actor's dead letters, the newest first."""
    return list(DeadLetter.objects.using(using).filter(actor_id=actor_id).order_by("-died_at", "-sequence"))


def replay_dead_letters(
    actor_id: UUID, type_name: str, key: str, uids: Collection[UUID] | None = None, *, using: str
) -> list[UUID]:
    """Puts dead letters of an actor (all of them when ``uids`` is None) back at the tail of their queues.

    They keep their ids, their attempts start again. Returns those it found, in order. Durable when it
    returns, or with the caller's transaction.
    """
    connection, dialect = connections[using], dialect_for(using)
    letters = DeadLetter.objects.using(using).filter(actor_id=actor_id)
    if uids is not None:
        letters = letters.filter(uid__in=list(uids))
    wake = (type_name, actor_id, key)

    def work() -> list[UUID]:
        rows = list(dialect.lock(letters.order_by("sequence"))[:CHUNK])
        found = [letter.uid for letter in rows]
        if found:
            # Its failure was told; what is told next is what becomes of it now.
            Outcome.objects.using(using).filter(uid__in=found).delete()
            dialect.insert_sends(connection, MESSAGE_COLUMNS, [row_of(letter) for letter in rows], [wake])
            dialect.delete(connection, DeadLetter, found)
        return found

    replayed: list[UUID] = []
    while some := dialect.transaction(work, connection):
        replayed += some
    return replayed


def row_of(letter: DeadLetter) -> tuple[object, ...]:
    """In the order of ``MESSAGE_COLUMNS``; without its old expiry, or it would only die again."""
    return (
        letter.uid, letter.actor_id, letter.queue, letter.body, letter.user_id, letter.meta,
        letter.keeps_outcome, None, None, 0, 0,
    )  # fmt: skip
