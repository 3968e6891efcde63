"""Finding actors that have work, and taking the lease on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections, transaction
from django.db.models import F

from actorqueues.exceptions import LeaseLost
from actorqueues.models import ActorInstance, ActorStatus, Message, Wake, Worker
from actorqueues.storage.actors import ROW_COLUMNS, first_row
from actorqueues.storage.dialects import Row, dialect_for

LOWEST = UUID(int=0)
MAKING_WAIT = 0.05  # seconds for somebody who makes the same actor


@dataclass(frozen=True, slots=True)
class Claimed:
    """An actor whose lease was just taken, as its row stands."""

    actor_id: UUID
    type: str
    key: str
    generation: int
    epoch: int
    status: str
    careful: bool
    initialised: bool
    input: str | None
    state: str | None
    event_number: int


CLAIMED_FIELDS = (
    "id", "type", "key", "generation", "epoch", "status", "careful",
    "initialised_at", "input", "state", "event_number", "worker_id", "paused_at",
)  # fmt: skip


def find_wakes(
    types: Sequence[str], *, after: UUID = LOWEST, limit: int, using: str
) -> list[tuple[str, UUID]]:
    """Distinct actors that have wake rows, from ``after`` upwards, at most ``limit`` a type."""
    return dialect_for(using).wake_ids(connections[using], types, after, limit)


def find_due(types: Sequence[str], *, limit: int, using: str) -> list[UUID]:
    """Actors whose ``wake_at`` has come, oldest first."""
    now = dialect_for(using).now(connections[using])
    actors = ActorInstance.objects.using(using).due(now)
    found: list[UUID] = []
    for type_name in types:  # one index range each: an "in" list would sort what every type has due
        rows = actors.filter(type=type_name).order_by("wake_at").values_list("id", flat=True)
        found.extend(rows[: limit - len(found)])
        if len(found) >= limit:
            break
    return found


def find_held(worker_id: UUID, types: Sequence[str], *, using: str) -> list[UUID]:
    """Actors of these types whose rows say that the worker holds them."""
    held = ActorInstance.objects.using(using).filter(worker_id=worker_id, type__in=types)
    return list(held.values_list("id", flat=True))


def ring(worker_id: UUID, actor_ids: Iterable[UUID], *, using: str) -> None:
    """Deletes the wakes of actors this worker holds: their doorbell was heard.

    The mailbox must be read *after* this has committed: whatever came with a deleted wake is then seen,
    and what comes later brings a wake of its own. Only for actors that are still ours by their row, and
    never while their release is under way: the wake of a message that the release did not see would go.
    """
    connection, dialect = connections[using], dialect_for(using)
    dialect.transaction(lambda: dialect.delete_wakes(connection, list(actor_ids), worker_id), connection)


def claim_actors(
    worker_id: UUID, actor_ids: Sequence[UUID], types: Sequence[str], *, using: str
) -> list[Claimed]:
    """Takes the lease on those of ``actor_ids`` that are free and of these types. Durable when it returns.

    Only for actors that the worker does not run. One that is its own by the row all the same is claimed again:
    the answer to an earlier claim was lost, and nobody else would ever free it.
    Raises ``LeaseLost`` when the worker's own lease is over: a reaper would not see what it claims now.
    """
    connection, dialect = connections[using], dialect_for(using)
    return dialect.transaction(lambda: claim_in_transaction(worker_id, actor_ids, types, using), connection)


def claim_in_transaction(
    worker_id: UUID, actor_ids: Sequence[UUID], types: Sequence[str], using: str
) -> list[Claimed]:
    connection, dialect = connections[using], dialect_for(using)
    hold_worker(worker_id, using)
    free = [row for row in lock_actors(actor_ids, types, using) if row[-2] in (None, worker_id)]
    # Before any look at messages: what commits later leaves a wake that stays.
    dialect.delete_wakes(connection, [row[0] for row in free])
    wanted = [row for row in free if is_wanted(row, using)]
    claimed = [take(row) for row in wanted]
    leases = [(actor.actor_id, worker_id, actor.epoch, None) for actor in claimed]
    if leases:
        dialect.update(connection, ActorInstance, ("id", "worker_id", "epoch", "wake_at"), leases)
    revive([actor.actor_id for actor in claimed if actor.status == ActorStatus.DESTROYED], using)
    put_off({row[0] for row in free if may_not_run(row)}, using)
    return claimed


def lock_actors(actor_ids: Sequence[UUID], types: Sequence[str], using: str) -> list[tuple[Any, ...]]:
    """The rows that nobody else has locked; made where there are none yet."""
    dialect = dialect_for(using)
    actors = ActorInstance.objects.using(using).filter(id__in=actor_ids, type__in=types).order_by("id")
    rows = list(dialect.lock(actors.values_list(*CLAIMED_FIELDS)))
    if missing := set(actor_ids) - {row[0] for row in rows}:  # not there yet, or locked by somebody
        missing -= set(actors.filter(id__in=missing).values_list("id", flat=True))
        make_actors(missing, types, using)
        rows += dialect.lock(actors.filter(id__in=missing).values_list(*CLAIMED_FIELDS))
    return rows


def may_not_run(row: tuple[Any, ...]) -> bool:
    return row[-1] is not None or row[5] == ActorStatus.HELD


def is_wanted(row: tuple[Any, ...], using: str) -> bool:
    if row[5] == ActorStatus.DESTROYED:
        # A wake may outlive its message by a destroy: that alone makes no new generation.
        return has_mail(row[0], using)
    return not may_not_run(row)


def has_mail(actor_id: UUID, using: str) -> bool:
    mail = Message.objects.using(using).filter(actor_id=actor_id)
    return mail.queued().exists() or mail.scheduled().exists()  # an index each


def revive(actor_ids: Sequence[UUID], using: str) -> None:
    """A tombstone that got mail is the next generation's beginning (its number has grown at the destroy)."""
    if actor_ids:
        now = dialect_for(using).now(connections[using])
        tombstones = ActorInstance.objects.using(using).filter(id__in=actor_ids)
        tombstones.update(status=ActorStatus.LIVE, created_at=now, destroyed_at=None)


def take(row: tuple[Any, ...]) -> Claimed:
    (
        actor_id,
        type_name,
        key,
        generation,
        epoch,
        status,
        careful,
        initialised_at,
        input_,
        state,
        number,
        *_,
    ) = row
    initialised = initialised_at is not None
    return Claimed(
        actor_id, type_name, key, generation, epoch + 1, status, careful, initialised, input_, state, number
    )


def hold_worker(worker_id: UUID, using: str) -> None:
    """Locks the worker's row: its reaper passes on until this claim has committed, or the row is gone."""
    dialect = dialect_for(using)
    mine = Worker.objects.using(using).filter(id=worker_id).values_list("expires_at", flat=True)
    leases = list(dialect.lock_waiting(mine))
    # The clock after the lock: it may have been waited for until the lease was over.
    if not leases or leases[0] <= dialect.now(connections[using]):
        raise LeaseLost(worker=str(worker_id))


def make_actors(actor_ids: set[UUID], types: Sequence[str], using: str) -> None:
    """Makes the rows of actors that were sent to before they had one; type and key stand in the wake."""
    if not actor_ids:
        return
    dialect, connection = dialect_for(using), connections[using]
    now = dialect.now(connection)
    wakes = Wake.objects.using(using).filter(actor_id__in=actor_ids, type__in=types).order_by("actor_id")
    named = wakes.values_list("type", "actor_id", "key").distinct()
    rows = [first_row(actor_id, type_name, key, None, now) for type_name, actor_id, key in named]
    if not insert_in_time(rows, using):
        for row in rows:
            insert_in_time([row], using)


def insert_in_time(rows: Sequence[Row], using: str) -> bool:
    """False: one of them is being made in somebody's open transaction. It waits, the others do not."""
    dialect, connection = dialect_for(using), connections[using]
    try:
        with transaction.atomic(using=using), dialect.bounded_lock_wait(connection, MAKING_WAIT):
            dialect.insert_absent(connection, ActorInstance, ROW_COLUMNS, rows)
    except DatabaseError as error:
        if dialect.kind_of(error) != "waits":
            raise
        return False
    return True


def put_off(actor_ids: set[UUID], using: str) -> None:
    """Paused and held actors keep their mail: ``wake_at`` remembers it when their wakes are deleted.

    One that the claimer holds by its row, after a claim whose answer was lost, goes back: nobody runs it.
    """
    if actor_ids:
        now = dialect_for(using).now(connections[using])
        actors = ActorInstance.objects.using(using).filter(id__in=actor_ids)
        actors.exclude(worker_id=None).update(worker_id=None, epoch=F("epoch") + 1)
        actors.update(wake_at=now)
