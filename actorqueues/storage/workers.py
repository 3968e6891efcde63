"""Leases: a worker's row, its heartbeat, and taking back what a dead one held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import connections

from actorqueues.models import ActorInstance, Journal, Worker
from actorqueues.storage.dialects import dialect_for

REAP_CHUNK = 500
LOWEST = UUID(int=0)


def register_worker(
    worker_id: UUID, *, host: str, pid: int, version: str, types: str, lease: float, using: str
) -> None:
    """Makes the worker's row and its journal position. Durable when it returns (in autocommit)."""
    connection, dialect = connections[using], dialect_for(using)

    def work() -> None:
        now = dialect.now(connection)
        times = {"started_at": now, "renewed_at": now, "expires_at": now + timedelta(seconds=lease)}
        Journal.objects.using(using).create(worker_id=worker_id)
        Worker.objects.using(using).create(
            id=worker_id, host=host, pid=pid, version=version, types=types, **times
        )

    dialect.transaction(work, connection)


def renew_lease(worker_id: UUID, *, lease: float, busy: int, resident: int, using: str) -> bool:
    """Extends the lease. False: it has expired or was reaped, and this worker must never renew again."""
    connection, dialect = connections[using], dialect_for(using)

    def work() -> int:
        now = dialect.now(connection)
        mine = Worker.objects.using(using).filter(id=worker_id, expires_at__gt=now)
        return mine.update(
            renewed_at=now, expires_at=now + timedelta(seconds=lease), busy=busy, resident=resident
        )

    return bool(dialect.transaction(work, connection))


def read_loads(types: Iterable[str], *, using: str) -> dict[UUID, int]:
    """Busy actors of each live worker that serves these actor types, as of its last heartbeat."""
    now, wanted = dialect_for(using).now(connections[using]), set(types)
    rows = Worker.objects.using(using).live(now).values_list("id", "busy", "types")
    return {worker_id: busy for worker_id, busy, served in rows if wanted <= set(served.split(","))}


def retire_worker(worker_id: UUID, *, using: str) -> int:
    """Takes leave: whatever is still held goes back first (carefully), then the row. Returns the actors left over."""
    connection, dialect = connections[using], dialect_for(using)
    left = 0
    while taken := dialect.transaction(lambda: requeue_actors_of(worker_id, using=using), connection):
        left += taken
    dialect.transaction(lambda: leave(worker_id, using=using), connection)
    return left


def leave(worker_id: UUID, *, using: str) -> None:
    """The row goes when nothing points at it; what is locked by somebody is left to the next reaper."""
    if ActorInstance.objects.using(using).filter(worker_id=worker_id).exists():
        now = dialect_for(using).now(connections[using])
        Worker.objects.using(using).filter(id=worker_id).update(expires_at=now)
    else:
        remove_worker(worker_id, using=using)


def reap_dead_workers(*, using: str) -> int:
    """Requeues what workers held whose lease has expired by the database's clock, then removes their rows.

    Returns how many actors came free.
    """
    now = dialect_for(using).now(connections[using])
    dead = list(Worker.objects.using(using).expired(now).values_list("id", flat=True))
    freed = 0
    for worker_id in dead:
        freed += reap_worker(worker_id, using=using)
    return freed


def reap_missing_workers(*, using: str) -> int:
    """The same for actors that point at a worker without a row. It reads all leased actors: not for every poll."""
    connection, dialect = connections[using], dialect_for(using)
    freed = 0
    for worker_id in missing_workers(using):
        freed += dialect.transaction(partial(requeue_actors_of, worker_id, using=using), connection)
    return freed


def reap_worker(worker_id: UUID, *, using: str) -> int:
    connection, dialect = connections[using], dialect_for(using)
    freed = 0

    def work() -> tuple[int, bool]:
        # The row is locked before its actors. A claim of this worker locks it until it commits, so either
        # we pass on and find its actors next time, or the claim finds no row.
        expired = Worker.objects.using(using).expired(dialect.now(connection)).filter(id=worker_id)
        if not list(dialect.lock(expired)):
            return 0, True
        taken = requeue_actors_of(worker_id, using=using)
        if taken == 0 and not ActorInstance.objects.using(using).filter(worker_id=worker_id).exists():
            remove_worker(worker_id, using=using)  # only now: everything it held is free
            return 0, True
        return taken, taken == 0

    done = False
    while not done:
        taken, done = dialect.transaction(work, connection)
        freed += taken
    return freed


def requeue_actors_of(worker_id: UUID, *, using: str) -> int:
    """One chunk: bumps the epochs (what the dead one still writes is stale), wakes them, marks them careful."""
    connection, dialect = connections[using], dialect_for(using)
    held = ActorInstance.objects.using(using).filter(worker_id=worker_id).order_by("id")
    rows = list(dialect.lock(held.values_list("id", "epoch"))[:REAP_CHUNK])
    now = dialect.now(connection)
    changes = [(actor_id, None, epoch + 1, True, now, now) for actor_id, epoch in rows]
    columns = ("id", "worker_id", "epoch", "careful", "wake_at", "active_at")
    return len(dialect.update(connection, ActorInstance, columns, changes)) if changes else 0


def missing_workers(using: str) -> list[UUID]:
    """Workers that actors point at and that have no row. One index probe for each holder of actors."""
    held, found = ActorInstance.objects.using(using).awake().order_by("worker_id"), []
    last = LOWEST
    while (worker := held.filter(worker_id__gt=last).values_list("worker_id", flat=True).first()) is not None:
        found.append(worker)
        last = worker
    # Their rows after that: a worker has its row before it has actors, and has none when its row goes.
    known = set(Worker.objects.using(using).filter(id__in=found).values_list("id", flat=True))
    return [worker for worker in found if worker not in known]


def remove_worker(worker_id: UUID, *, using: str) -> None:
    Worker.objects.using(using).filter(id=worker_id).delete()
    Journal.objects.using(using).filter(worker_id=worker_id).delete()
