"""A queue is emptied by a person: of one actor, or of all actors of a type."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connections
from django.db.models import Exists, Max, OuterRef

from actorqueues.models import (
    ActorInstance,
    HistoryEntry,
    HistoryKind,
    Message,
    Outcome,
)
from actorqueues.storage.actors import WakeRow, append_wakes
from actorqueues.storage.claiming import LOWEST
from actorqueues.storage.deduplication import free_keys
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.history import how_many
from actorqueues.storage.outcomes import OUTCOME_COLUMNS, failed_row, kept_from

PURGED = "purged"
CHUNK = 500  # messages in one transaction
MOST_ACTORS = 100  # in one transaction: their journals wait for it
PAGE = 1000  # actors in one look


@dataclass(frozen=True, slots=True)
class Purged:
    """What one transaction removed."""

    messages: int
    answered: frozenset[UUID]  # messages whose senders may wait: the caller announces them as "done"
    woken: frozenset[UUID]  # actors that may go on with other mail: "work"


class Doomed(NamedTuple):
    id: int
    uid: UUID
    actor_id: UUID
    user_id: str | None
    meta: str | None
    keeps_outcome: bool
    retry_at: datetime | None


class Chunk(NamedTuple):
    purged: Purged
    notes: dict[UUID, tuple[int, int]]  # of each actor its history entry, and how many messages that tells of
    left: list[UUID]  # actors that have more, or are locked


Finder = Callable[[Sequence[UUID], int, int], tuple[list[int], set[UUID]]]


def newest_message(using: str) -> int:
    """A number that nothing sent from now on is below, but for what a transaction has sent and not committed."""
    return Message.objects.using(using).aggregate(newest=Max("id"))["newest"] or 0


def purge_queue(
    actor_id: UUID, queue: str, *, newest: int | None = None, user_id: str | None = None, using: str
) -> Iterator[Purged]:
    """Deletes the messages of one queue of an actor that are not in flight, scheduled ones included.

    Each step is a transaction that is durable when it is yielded (or with the caller's): killed in between, a second
    call does the rest. What is sent meanwhile may stay. What has a number above ``newest`` stays, so also what comes
    due meanwhile: it is given a new one. Senders who wait get ``failed``, dedupe keys are free again; the history has
    one entry, which always tells of as many messages as are gone. The caller announces what is yielded.
    """
    yield from Purge(queue, newest, user_id, using).actors([actor_id])


def purge_type(
    type_name: str, queue: str, *, newest: int | None = None, user_id: str | None = None, using: str
) -> Iterator[Purged]:
    """The same for all actors of a type, with one entry in the history of each that had messages there."""
    purge = Purge(queue, newest, user_id, using)
    # Those without a row first: who is claimed meanwhile loses its wakes and gets a row in one commit.
    for unclaimed in actors_without_row(type_name, using):
        yield from purge.actors(unclaimed)
    for found in actors_with_mail(type_name, queue, using):
        yield from purge.actors(found)


def actors_without_row(type_name: str, using: str) -> Iterator[list[UUID]]:
    connection, last = connections[using], LOWEST
    while woken := [
        row[1] for row in dialect_for(using).wake_ids(connection, [type_name], last, MOST_ACTORS)
    ]:
        last = woken[-1]
        claimed = ActorInstance.objects.using(using).filter(id__in=woken).values_list("id", flat=True)
        if unclaimed := sorted(set(woken) - set(claimed)):
            yield unclaimed


def actors_with_mail(type_name: str, queue: str, using: str) -> Iterator[list[UUID]]:
    mail = Message.objects.using(using).filter(actor_id=OuterRef("id"), queue=queue)
    actors = ActorInstance.objects.using(using).filter(type=type_name).order_by("key")
    page = list(actors.values_list("key", "id")[:PAGE])
    while page:
        some = ActorInstance.objects.using(using).filter(id__in=[actor_id for _, actor_id in page])
        # An index each, and a look each: an OR of them walks the table.
        kinds = (mail.queued(), mail.scheduled())
        found = sorted(
            {row for kind in kinds for row in some.filter(Exists(kind)).values_list("id", flat=True)}
        )
        yield from (found[start : start + MOST_ACTORS] for start in range(0, len(found), MOST_ACTORS))
        page = list(actors.filter(key__gt=page[-1][0]).values_list("key", "id")[:PAGE])


class Purge:
    """One call: knows which history entry it has begun for whom."""

    # Behind an actor's lock its journal writes nothing, so that what is deleted here was not started, and what is
    # started is left alone. A worker that has deleted messages in memory is refused their start marks (see
    # bury_message); its chain is put off meanwhile, and no other actor's. The release of an actor may have seen a
    # failing head that goes here and written its time: that one gets a wake. Actors without a row have nothing to
    # lock; a claim that makes the row touches no message, and the messages' own locks do for what comes after it.

    def __init__(self, queue: str, bound: int | None, user_id: str | None, using: str) -> None:
        self.queue, self.bound, self.user_id, self.using = queue, bound, user_id, using
        self.connection, self.dialect = connections[using], dialect_for(using)
        self.messages = Message.objects.using(using)
        self.notes: dict[UUID, tuple[int, int]] = {}

    def actors(self, actor_ids: Sequence[UUID]) -> Iterator[Purged]:
        left = set(actor_ids)
        # A few messages of each, in two transactions; who is deep or locked comes after that.
        if len(left) > 1:
            left = set()
            for find in self.kinds:
                chunk = self.remove(actor_ids, find, CHUNK // len(actor_ids), self.newest())
                left.update(chunk.left)
                if chunk.purged.messages:
                    yield chunk.purged
        for actor_id in sorted(left):
            for find in self.kinds:
                yield from self.one_actor(actor_id, find, self.newest())

    def one_actor(self, actor_id: UUID, find: Finder, newest: int) -> Iterator[Purged]:
        size, left = CHUNK, [actor_id]
        while left:
            chunk = self.remove(left, find, size, newest)
            left = chunk.left
            if chunk.purged.messages:
                yield chunk.purged
            else:
                size *= 2  # all of them are in flight: look behind them

    @property
    def kinds(self) -> tuple[Finder, Finder]:
        """Scheduled messages first: those that come due meanwhile are found among the others."""
        return self.find_scheduled, self.find_queued

    def newest(self) -> int:
        """What is sent after this look may stay, or a busy queue would never be empty."""
        return newest_message(self.using) if self.bound is None else self.bound

    def remove(self, actor_ids: Sequence[UUID], find: Finder, size: int, newest: int) -> Chunk:
        chunk = self.dialect.transaction(
            lambda: self.remove_in_transaction(actor_ids, find, size, newest), self.connection
        )
        self.notes.update(chunk.notes)
        return chunk

    def remove_in_transaction(self, actor_ids: Sequence[UUID], find: Finder, size: int, newest: int) -> Chunk:
        locked = self.lock_actors(actor_ids)
        ours = self.without_row(actor_ids) | locked.keys()
        ids, full = find(sorted(ours), size, newest)
        rows = self.lock_messages(ids)
        self.dialect.delete(self.connection, Message, sorted(row.id for row in rows))
        self.free_keys_of(rows)
        answered = self.answer(rows)
        woken = {row.actor_id for row in rows if row.retry_at is not None} & locked.keys()
        append_wakes([locked[actor_id] for actor_id in sorted(woken)], using=self.using)
        notes = self.tell(Counter(row.actor_id for row in rows))
        left = [actor_id for actor_id in actor_ids if actor_id in full or actor_id not in ours]
        return Chunk(Purged(len(rows), answered, frozenset(woken)), notes, left)

    # Locks

    def lock_actors(self, actor_ids: Sequence[UUID]) -> dict[UUID, WakeRow]:
        """A lone one is waited for. Of several those that somebody has locked get their turn alone."""
        rows = ActorInstance.objects.using(self.using).filter(id__in=actor_ids).order_by("id")
        lock = self.dialect.lock if len(actor_ids) > 1 else self.dialect.lock_waiting
        return {row[1]: row for row in lock(rows.values_list("type", "id", "key"))}

    def without_row(self, actor_ids: Sequence[UUID]) -> set[UUID]:
        rows = ActorInstance.objects.using(self.using).filter(id__in=actor_ids)
        return set(actor_ids) - set(rows.values_list("id", flat=True))

    def lock_messages(self, ids: Sequence[int]) -> list[Doomed]:
        rows = self.messages.filter(id__in=ids, started_at__isnull=True).order_by("id")
        return [Doomed(*row) for row in self.dialect.lock(rows.values_list(*Doomed._fields))]

    # What there is: the numbers of some messages, and the actors that may have more

    def find_scheduled(
        self, actor_ids: Sequence[UUID], size: int, newest: int
    ) -> tuple[list[int], set[UUID]]:
        room = size * len(actor_ids)
        rows = self.messages.scheduled().filter(actor_id__in=actor_ids, queue=self.queue, id__lte=newest)
        ids = list(rows.order_by("actor_id", "scheduled_at").values_list("id", flat=True)[:room])
        return ids, set(actor_ids) if ids and len(ids) == room else set()

    def find_queued(self, actor_ids: Sequence[UUID], size: int, newest: int) -> tuple[list[int], set[UUID]]:
        wanted = [WantedHeads(actor_id, self.queue, size) for actor_id in actor_ids]
        heads = [head for head in self.dialect.read_marks(self.connection, wanted) if head.id <= newest]
        found = Counter(head.actor_id for head in heads)
        return [head.id for head in heads], {actor_id for actor_id in found if found[actor_id] == size}

    # What follows

    def free_keys_of(self, rows: Sequence[Doomed]) -> None:
        keys = [UUID(hex=key) for row in rows if row.meta for key in json.loads(row.meta).get("keys", ())]
        if keys:
            free_keys(keys, [row.uid for row in rows], using=self.using)

    def answer(self, rows: Sequence[Doomed]) -> frozenset[UUID]:
        times = kept_from(self.dialect.now(self.connection))
        outcomes = [
            failed_row(row.uid, row.actor_id, self.queue, PURGED, row.user_id, times)
            for row in rows
            if row.keeps_outcome
        ]
        if outcomes:
            self.dialect.insert(self.connection, Outcome, OUTCOME_COLUMNS, outcomes)
        return frozenset(row[0] for row in outcomes)

    def tell(self, counts: Counter[UUID]) -> dict[UUID, tuple[int, int]]:
        """An actor's entry is made in its first transaction, and grows in the later ones."""
        entries, now = HistoryEntry.objects.using(self.using), self.dialect.now(self.connection)
        new = [
            HistoryEntry(
                actor_id=actor_id,
                kind=HistoryKind.PURGED,
                queue=self.queue,
                note=how_many(counts[actor_id]),
                user_id=self.user_id,
                happened_at=now,
            )
            for actor_id in sorted(counts.keys() - self.notes.keys())
        ]
        told = {one.actor_id: (one.id, counts[one.actor_id]) for one in entries.bulk_create(new)}
        for actor_id in counts.keys() & self.notes.keys():
            entry, before = self.notes[actor_id]
            told[actor_id] = (entry, before + counts[actor_id])
            entries.filter(id=entry).update(note=how_many(told[actor_id][1]))
        return told
