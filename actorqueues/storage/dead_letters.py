from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet

from actorqueues.models import ActorInstance, DeadLetter, HistoryKind, Outcome
from actorqueues.storage.actors import WakeRow
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.history import add_entry, how_many
from actorqueues.storage.sending import MESSAGE_COLUMNS

CHUNK = 1000


def list_dead_letters(actor_id: UUID, *, using: str) -> list[DeadLetter]:
    """An actor's dead letters, the newest first."""
    return list(DeadLetter.objects.using(using).filter(actor_id=actor_id).order_by("-died_at", "-sequence"))


def replay_dead_letters(
    actor_id: UUID,
    type_name: str,
    key: str,
    uids: Collection[UUID] | None = None,
    *,
    user_id: str | None = None,
    using: str,
) -> list[UUID]:
    """Puts dead letters of an actor (all of them when ``uids`` is None) back at the tail of their queues.

    They keep their ids, their attempts start again. Returns those it found, in order. Durable when it
    returns, or with the caller's transaction.
    """
    letters = DeadLetter.objects.using(using).filter(actor_id=actor_id)
    if uids is not None:
        letters = letters.filter(uid__in=list(uids))
    before = dialect_for(using).now(connections[using])
    known = {actor_id: (type_name, actor_id, key)}
    replayed: list[UUID] = []
    while some := replay_some(letters, before=before, wakes=known, user_id=user_id, using=using):
        replayed += some
    return replayed


def replay_some(
    letters: QuerySet[DeadLetter],
    *,
    before: datetime,
    limit: int = CHUNK,
    wakes: Mapping[UUID, WakeRow] | None = None,
    user_id: str | None = None,
    using: str,
) -> dict[UUID, UUID]:
    """The same for at most ``limit`` of these letters, in one transaction; each with its actor, in order.

    ``before`` is the database's time when the first of several calls began: what has died once more since
    then is left alone, or a loop over letters that die at once would never end. ``wakes`` may be given by
    who knows the actors.
    """
    connection, dialect = connections[using], dialect_for(using)

    def work() -> dict[UUID, UUID]:
        rows = list(dialect.lock(letters.filter(died_at__lte=before).order_by("sequence"))[:limit])
        actors = wakes_of({letter.actor_id for letter in rows}, using) if wakes is None else wakes
        rows = [letter for letter in rows if letter.actor_id in actors]
        found = {letter.uid: letter.actor_id for letter in rows}
        if found:
            # Its failure was told; what is told next is what becomes of it now.
            Outcome.objects.using(using).filter(uid__in=found).delete()
            rung = [actors[actor_id] for actor_id in dict.fromkeys(found.values())]
            dialect.insert_sends(connection, MESSAGE_COLUMNS, [row_of(letter) for letter in rows], rung)
            dialect.delete(connection, DeadLetter, list(found))
            tell_replays(rows, user_id, using)
        return found

    return dialect.transaction(work, connection)


def tell_replays(letters: Sequence[DeadLetter], user_id: str | None, using: str) -> None:
    """One entry an actor: a thousand letters must not push everything else out of its history."""
    by_actor: defaultdict[UUID, list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        by_actor[letter.actor_id].append(letter)
    for actor_id, its in by_actor.items():
        queue, uid, note = ("", None, how_many(len(its))) if its[1:] else (its[0].queue, its[0].uid, "")
        add_entry(
            actor_id,
            HistoryKind.REPLAYED,
            user_id=user_id,
            queue=queue,
            message_uid=uid,
            note=note,
            using=using,
        )


def wakes_of(actor_ids: Collection[UUID], using: str) -> dict[UUID, WakeRow]:
    actors = ActorInstance.objects.using(using).filter(id__in=actor_ids)
    return {row[1]: row for row in actors.values_list("type", "id", "key")}


def row_of(letter: DeadLetter) -> tuple[object, ...]:
    """In the order of ``MESSAGE_COLUMNS``; without its old expiry, or it would only die again."""
    return (
        letter.uid, letter.actor_id, letter.queue, letter.body, letter.user_id, letter.meta,
        letter.keeps_outcome, None, None, 0, 0,
    )  # fmt: skip
