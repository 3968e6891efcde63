"""The workers that run, and what those left behind that do not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connections
from django.utils import timezone

from actorqueues import clock
from actorqueues.conf import settings
from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.findings import Finding, duration, error, info, ok, some, warning
from actorqueues.diagnosis.names import stored_types, types_due
from actorqueues.models import ActorInstance, Wake, Worker
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.pausing import read_pauses
from actorqueues.storage.workers import missing_workers

MOST_APART = 2.0  # seconds between two clocks


def now_of(using: str) -> datetime:
    return dialect_for(using).now(connections[using])


def live(using: str) -> list[Worker]:
    return list(Worker.objects.using(using).live(now_of(using)).order_by("started_at"))


def served(using: str) -> set[str]:
    """The actor types that live workers serve."""
    return {name for worker in live(using) for name in worker.types.split(",") if name}


def types_with_work(using: str) -> list[str]:
    """Actor types that have wakes or due actors, but for those that are paused."""
    pauses = read_pauses(using=using)
    found = {*stored_types(Wake, using), *types_due(now_of(using), using)}
    return sorted(name for name in found if (name, "") not in pauses)


def alive(using: str) -> Iterator[Finding]:
    workers = live(using)
    if workers:
        busy = sum(worker.busy for worker in workers)
        resident = sum(worker.resident for worker in workers)
        yield ok(
            "workers", f"{len(workers)} alive: {some(workers)}; {resident} actors in memory, {busy} busy."
        )
    elif waiting := types_with_work(using):
        yield error(
            "workers",
            f"No worker is alive, and there is work for {some(waiting)}.",
            "Start manage.py runactors, and look at its log if it does not stay.",
        )
    else:
        yield info("workers", "No worker is alive. There is no work either.", "Start manage.py runactors.")


def expired(using: str) -> Iterator[Finding]:
    patience = timedelta(seconds=settings.LEASE + 10 * settings.POLL_INTERVAL)
    rows = Worker.objects.using(using).expired(now_of(using) - patience)
    dead = list(rows.order_by("expires_at"))
    if not dead:
        yield ok("expired-workers", "No worker row is left over.")
        return
    seen = f"{len(dead)} workers died and were never cleared away: {some(dead)}."
    if live(using):
        yield warning(
            "expired-workers",
            seen,
            "Live workers do that at every poll: look into their logs for 'maintenance failed'.",
        )
    else:
        yield info("expired-workers", seen, "The next worker that starts does it.")


def orphans(using: str) -> Iterator[Finding]:
    """Actors that belong to a worker that is no more. They are free again at the next reaping."""
    patience = timedelta(seconds=settings.LEASE + 10 * settings.POLL_INTERVAL)
    dead = list(Worker.objects.using(using).expired(now_of(using) - patience).values_list("id", flat=True))
    gone = missing_workers(using)
    held = ActorInstance.objects.using(using).filter(worker_id__in=[*dead, *gone]).count()
    if not held:
        yield ok("orphaned-actors", "Every actor in memory belongs to a worker that lives.")
        return
    yield warning(
        "orphaned-actors",
        f"{held} actors are held by {len(dead)} expired and {len(gone)} missing workers.",
        "A live worker takes them back within 30 seconds. If none runs, start one; if they stay, look into its log.",
    )


def versions(using: str) -> Iterator[Finding]:
    found = sorted({worker.version for worker in live(using)})
    if len(found) > 1:
        yield warning(
            "worker-versions",
            f"Workers of different versions run side by side: {some(found)}.",
            "That is all right during a deploy. Restart the old ones if it is none.",
        )
    else:
        yield ok(
            "worker-versions", f"All workers have version {found[0]}." if found else "No worker is alive."
        )


def unserved(using: str) -> Iterator[Finding]:
    if not live(using):
        return  # that is a finding of its own
    known = {actor.type_name for actor in registry.all()}
    missed = [name for name in types_with_work(using) if name in known and name not in served(using)]
    if missed:
        yield error(
            "unserved-types",
            f"There is work for {some(missed)}, and no live worker serves that.",
            "Start a worker without --include and --exclude, or with --include of these; restart workers whose code "
            "is older than the type.",
        )
    else:
        yield ok("unserved-types", "Every type with work is served.")


def clocks(using: str) -> Iterator[Finding]:
    if connections[using].vendor == "sqlite":
        return  # it asks this machine's
    before = timezone.now()
    began = time.monotonic()
    theirs = now_of(using) - clock.offset
    took = time.monotonic() - began
    apart = abs((theirs - before).total_seconds() - took / 2)
    if apart > MOST_APART + took:
        yield warning(
            "clocks",
            f"The clocks of this machine and of the database are {duration(apart)} apart.",
            "Let both follow a time server. Leases rest on the database's clock alone, but times that your code "
            "reckons (at=) are early or late by as much.",
        )
    else:
        yield ok("clocks", f"This machine and the database agree to {apart:.2f} s.")
