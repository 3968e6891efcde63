"""An actor's row: made, read and marked from outside. Everything else about it is its owner's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connections
from django.db.models import F

from actorqueues.models import ActorInstance, ActorStatus, HistoryKind, Message, Wake
from actorqueues.storage.dialects import Row, dialect_for
from actorqueues.storage.history import add_entry
from actorqueues.storage.outgoing import LOCK_WAIT, Outgoing

HERE = (ActorStatus.LIVE, ActorStatus.HELD)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

WakeRow = tuple[str, UUID, str]  # type, id, key

ROW_COLUMNS = (
    "id", "type", "key", "input", "created_at", "generation", "status", "epoch", "careful", "event_number",
    "held_reason",
)  # fmt: skip


def create_actor(actor_id: UUID, type_name: str, key: str, *, input: str | None = None, using: str) -> bool:
    """Makes an actor's row, with a wake so that a worker starts it. False: it is there already, untouched.

    ``input`` is JSON text. Durable when it returns, or with the caller's transaction. Raises ``OperationalError``
    when somebody else makes it in a transaction that stays open.
    """
    connection, dialect = connections[using], dialect_for(using)
    new = ActorInstance(id=actor_id, type=type_name, key=key, input=input)

    def work() -> bool:
        made = insert_rows([new], using)
        if made:
            append_wakes([(type_name, actor_id, key)], using=using)
        return bool(made)

    return bool(dialect.transaction(work, connection))


def insert_actors(outgoing: Sequence[Outgoing], *, using: str) -> None:
    """The rows of new actors that get an input with their first message; existing ones stay as they are."""
    first: dict[UUID, Outgoing] = {}
    for one in outgoing:
        first.setdefault(one.actor_id, one)
    if first:
        new = (
            ActorInstance(id=one.actor_id, type=one.actor_type, key=one.actor_key, input=one.input)
            for one in first.values()
        )
        insert_rows(sorted(new, key=lambda actor: actor.id), using)


def insert_rows(new: Sequence[ActorInstance], using: str) -> int:
    """Inserts the actors that are not there and revives tombstones; returns how many that were."""
    now = dialect_for(using).now(connections[using])
    actors = ActorInstance.objects.using(using)
    there = dict(actors.filter(id__in=[actor.id for actor in new]).values_list("id", "status"))
    absent, revived = [one for one in new if one.id not in there], 0
    for actor in new:
        if there.get(actor.id) == ActorStatus.DESTROYED:
            tombstone = actors.filter(id=actor.id, status=ActorStatus.DESTROYED)
            made = tombstone.update(
                status=ActorStatus.LIVE,
                input=actor.input,
                created_at=now,
                destroyed_at=None,
                epoch=F("epoch") + 1,
            )
            revived += made
            if not made:  # revived by somebody else, or pruned: then there is a place again
                absent.append(actor)
    return revived + insert_new(sorted(absent, key=lambda actor: actor.id), now, using)


def insert_new(new: Sequence[ActorInstance], now: datetime, using: str) -> int:
    """Of two that make an actor at once, one waits for the other, up to ``LOCK_WAIT``, and inserts nothing."""
    if not new:
        return 0
    rows = [first_row(one.id, one.type, one.key, one.input, now) for one in new]
    connection, dialect = connections[using], dialect_for(using)
    with dialect.bounded_lock_wait(connection, LOCK_WAIT):
        return len(dialect.insert_absent(connection, ActorInstance, ROW_COLUMNS, rows))


def first_row(actor_id: UUID, type_name: str, key: str, input: str | None, now: datetime) -> Row:
    """Of an actor that is made at this moment, in the order of ``ROW_COLUMNS``."""
    live = ActorStatus.LIVE.value
    return (actor_id, type_name, key, input, now, 1, live, first_epoch(now), False, 0, "")


def first_epoch(now: datetime) -> int:
    """Of a new row, by the database's clock in microseconds: above any that a pruned tombstone of it had."""
    return (now - BEGINNING) // timedelta(microseconds=1)


def append_wakes(wakes: Iterable[WakeRow], *, using: str) -> None:
    """Asks for a look at these actors."""
    rows = list(wakes)
    if rows:
        dialect_for(using).insert(connections[using], Wake, ("type", "actor_id", "key"), rows)


def read_actor(actor_id: UUID, *, using: str) -> ActorInstance | None:
    """The actor's row as it was last committed, tombstones included; None where there is none."""
    return ActorInstance.objects.using(using).filter(id=actor_id).first()


def actor_exists(actor_id: UUID, *, using: str) -> bool:
    """Whether there is a row that is no tombstone, or a message (the row is then made by the first claim)."""
    row = read_actor(actor_id, using=using)
    if row is not None and row.status in HERE:
        return True
    if row is not None and row.status == ActorStatus.DESTROYING:
        return False
    return Message.objects.using(using).filter(actor_id=actor_id).exists()


def present_actors(actor_ids: Iterable[UUID], *, using: str) -> dict[UUID, int]:
    """Those that have a row and are not destroyed, with their generation."""
    rows = ActorInstance.objects.using(using).filter(id__in=list(actor_ids), status__in=HERE)
    return dict(rows.values_list("id", "generation"))


def mark_destroying(
    actor_id: UUID,
    type_name: str,
    key: str,
    *,
    generation: int | None = None,
    user_id: str | None = None,
    using: str,
) -> bool:
    """Marks an actor to be destroyed by its owner or next claimant. False: no such actor (or generation).

    An actor that has messages but no row yet is given one. Durable when it returns, or with the caller's
    transaction; ``on_destroy`` and the removal follow in a worker.
    """
    connection, dialect = connections[using], dialect_for(using)

    def work() -> bool:
        mine = ActorInstance.objects.using(using).filter(id=actor_id, status__in=HERE)
        if generation is not None:
            mine = mine.filter(generation=generation)
        marked = mine.update(status=ActorStatus.DESTROYING)
        if not marked and generation is None and actor_exists(actor_id, using=using):
            insert_rows([ActorInstance(id=actor_id, type=type_name, key=key)], using)
            marked = mine.update(status=ActorStatus.DESTROYING)
        if marked:
            append_wakes([(type_name, actor_id, key)], using=using)
            add_entry(actor_id, HistoryKind.DESTROYED, user_id=user_id, using=using)
        return bool(marked)

    return bool(dialect.transaction(work, connection))
