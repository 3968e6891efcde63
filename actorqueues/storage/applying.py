"""The transitions of a journal batch, each over all chains at once. Runs inside the batch's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import connections

from actorqueues.conf import settings
from actorqueues.exceptions import OperationRefused
from actorqueues.models import ActorInstance, DeadLetter, Event, HistoryEntry, Message, Outcome
from actorqueues.storage.dialects import Answer, Together, dialect_for
from actorqueues.storage.history import HISTORY_COLUMNS, failure_rows
from actorqueues.storage.leaving import destroy_actors, release_actors
from actorqueues.storage.operations import (
    Bury,
    Chain,
    Destroy,
    Emit,
    Initialise,
    Operation,
    Release,
    Return,
    SaveState,
    Send,
    Settle,
    Start,
)
from actorqueues.storage.outcomes import OUTCOME_COLUMNS, completed_row, failed_row, kept_from
from actorqueues.storage.sending import store_messages

EVENT_TRIM = 100
T = TypeVar("T", bound=Operation)
Change = tuple[set[int], Answer]  # messages that must be there, and how many of them were

EVENT_COLUMNS = (
    "actor_id", "generation", "number", "name", "data", "message_uid", "user_id", "created_at",
)  # fmt: skip
RETURN_COLUMNS = ("id", "started_at", "retry_at", "failures", "crashes", "error")
DEAD_COLUMNS = (
    "uid", "actor_id", "sequence", "queue", "body", "user_id", "meta", "keeps_outcome",
    "enqueued_at", "failures", "crashes", "reason", "error", "died_at",
)  # fmt: skip


class Refused(OperationRefused):
    """Messages that an operation needed were no longer there: cancelled, edited or settled from outside."""

    def __init__(self, wanted: set[int], found: int) -> None:
        super().__init__(f"of the messages {sorted(wanted)} only {found} are still there")


class Sorted:
    """The operations of many chains by their kind, each with its chain."""

    def __init__(self, chains: Sequence[Chain]) -> None:
        self.found: dict[type[Any], list[tuple[Chain, Any]]] = defaultdict(list)
        for chain in chains:
            for step in chain.steps:
                for operation in step:
                    self.found[type(operation)].append((chain, operation))
        self.settled = {settle.head.id for _, settle in self.pick(Settle)}
        self.settled |= {bury.head.id for _, bury in self.pick(Bury)}

    def pick(self, kind: type[T]) -> Sequence[tuple[Chain, T]]:
        return self.found.get(kind, ())


def apply_chains(chains: Sequence[Chain], now: datetime, *, using: str) -> list[str]:
    """Applies whole chains. Raises ``Refused`` when one of them cannot be: nothing may be committed then.

    Returns the ids of messages that were not stored, because an earlier one had their key.

    The stages follow the life of a message, so that operations of one chain keep their order: an
    activation never asks for the next attempt of a message before its return is durable.
    """
    if not chains:
        return []
    operations = Sorted(chains)
    with dialect_for(using).together(connections[using]) as batch:
        changes = [
            *start_messages(operations, batch, now),
            *remove_messages(operations, batch),
            *return_messages(operations, batch, now),
        ]
        keep_outcomes(operations, batch, now)
        keep_dead_letters(operations, batch, now)
        keep_history(operations, batch, now)
        save_states(operations, batch, now)
        store_events(operations, batch, now)
    for wanted, answer in changes:
        if (found := answer()) != len(wanted):
            raise Refused(wanted, found)
    outgoing = [one for _, send in operations.pick(Send) for one in send.outgoing]
    stored = store_messages(outgoing, using=using)
    trim_events(operations, using)
    release_actors(operations.pick(Release), now, using)
    destroy_actors(operations.pick(Destroy), now, using)
    return [one.uid.hex for one, place in zip(outgoing, stored, strict=True) if place.deduplicated]


def start_messages(operations: Sorted, batch: Together, now: datetime) -> Iterator[Change]:
    # A message that starts and settles in one batch needs no mark: its removal proves that it was there.
    settled = operations.settled
    rows = [(start.message_id, now) for _, start in operations.pick(Start) if start.message_id not in settled]
    if rows:
        yield {row[0] for row in rows}, batch.update(Message, ("id", "started_at"), rows)


def remove_messages(operations: Sorted, batch: Together) -> Iterator[Change]:
    if operations.settled:
        yield operations.settled, batch.delete(Message, sorted(operations.settled))


def return_messages(operations: Sorted, batch: Together, now: datetime) -> Iterator[Change]:
    rows = [
        (head.id, None, later(now, back.delay), head.failures, head.crashes, head.error)
        for _, back in operations.pick(Return)
        if (head := back.head)
    ]
    if rows:
        yield {row[0] for row in rows}, batch.update(Message, RETURN_COLUMNS, rows)


def later(now: datetime, delay: float | None) -> datetime | None:
    return None if delay is None else now + timedelta(seconds=delay)


def keep_outcomes(operations: Sorted, batch: Together, now: datetime) -> None:
    times = kept_from(now)
    rows = [
        completed_row(head.uid, chain.actor_id, head.queue, settle.reply, head.user_id, times)
        for chain, settle in operations.pick(Settle)
        if (head := settle.head).keeps_outcome
    ]
    rows += [
        failed_row(head.uid, chain.actor_id, head.queue, bury.error, head.user_id, times)
        for chain, bury in operations.pick(Bury)
        if (head := bury.head).keeps_outcome
    ]
    if rows:
        batch.insert(Outcome, OUTCOME_COLUMNS, rows)


def keep_dead_letters(operations: Sorted, batch: Together, now: datetime) -> None:
    rows = [
        (head.uid, chain.actor_id, head.id, head.queue, head.body, head.user_id, head.meta, head.keeps_outcome,
         head.enqueued_at, bury.failures, bury.crashes, bury.reason, bury.error, now)
        for chain, bury in operations.pick(Bury)
        if (head := bury.head)
    ]  # fmt: skip
    if rows:
        batch.insert(DeadLetter, DEAD_COLUMNS, rows)


def keep_history(operations: Sorted, batch: Together, now: datetime) -> None:
    rows = list(failure_rows(operations.pick(Return), operations.pick(Bury), now))
    if rows:
        batch.insert(HistoryEntry, HISTORY_COLUMNS, rows)


def save_states(operations: Sorted, batch: Together, now: datetime) -> None:
    first = [(chain.actor_id, now, created.state) for chain, created in operations.pick(Initialise)]
    last: dict[UUID, str] = {chain.actor_id: saved.state for chain, saved in operations.pick(SaveState)}
    if first:
        batch.update(ActorInstance, ("id", "initialised_at", "state"), first)
    if last:
        batch.update(ActorInstance, ("id", "state"), list(last.items()))


def store_events(operations: Sorted, batch: Together, now: datetime) -> None:
    rows = [
        (chain.actor_id, chain.generation, one.number, one.name, one.data, one.message_uid, one.user_id, now)
        for chain, emit in operations.pick(Emit)
        for one in emit.events
    ]
    if rows:
        batch.insert(Event, EVENT_COLUMNS, rows)
    if numbers := last_numbers(operations):
        batch.update(ActorInstance, ("id", "event_number"), list(numbers.items()))


def last_numbers(operations: Sorted) -> dict[UUID, int]:
    return {
        chain.actor_id: one.number
        for chain, emit in operations.pick(Emit)
        for one in emit.events
        if one.number is not None
    }


def trim_events(operations: Sorted, using: str) -> None:
    """What an actor keeps above ``EVENT_LIMIT`` goes each time that ``EVENT_TRIM`` more have come."""
    full = {
        chain.actor_id
        for chain, emit in operations.pick(Emit)
        for one in emit.events
        if one.number is not None and one.number % EVENT_TRIM == 0
    }
    for actor_id, number in last_numbers(operations).items() if full else ():
        if actor_id in full:
            old = Event.objects.using(using).filter(actor_id=actor_id)
            old.filter(number__lte=number - settings.EVENT_LIMIT).delete()
