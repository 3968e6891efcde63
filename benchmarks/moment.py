"""A busy system at some moment: most actors asleep with mail, some at work, in backoff, paused; dead letters."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import connections

from benchmarks.filling import fill_mailboxes, insert_all, settle_down


class Share(NamedTuple):
    """Of the system, at scale 1: the actors of one type, and their messages in all of their queues."""

    actors: int
    messages: int
    awake: int
    backing_off: int


SHARES = {"deep": Share(80_000, 800_000, 1_000, 10_000), "desk": Share(20_000, 200_000, 2_500, 2_500)}
DEAD = 20_000
ERROR = "Traceback (most recent call last):\n  here\nValueError: no"


def fill(scale: float) -> None:
    from benchmarks.actors import Deep, Desk

    holders = start_workers(4)
    for actor_class in (Deep, Desk):
        name, queues = actor_class.definition.type_name, list(actor_class.definition.queues)
        share = Share(*(max(20, int(number * scale)) for number in SHARES[name]))
        for queue in queues:
            fill_mailboxes("default", actor_class, queue, share.actors, share.messages // len(queues))
        make_rows(name, share.actors)
        set_to_work(name, queues, holders, share.awake)
        fail_some(name, queues, share.backing_off)
    bury_some(max(20, int(DEAD * scale)))
    count_some(holders)
    settle_down("default")


def now() -> datetime:
    from actorqueues.storage.dialects import dialect_for

    return dialect_for("default").now(connections["default"])


def make_rows(type_name: str, actors: int) -> None:
    """As claims and releases leave them; for one in ten only its wakes say who it is."""
    from actorqueues.definitions.keys import actor_id_for
    from actorqueues.models import ActorInstance
    from actorqueues.storage.actors import ROW_COLUMNS

    present = now()
    columns = (*ROW_COLUMNS, "initialised_at", "active_at", "wake_at", "state", "paused_at")
    rows = (
        (actor_id_for(type_name, key), type_name, key, None, present, 1, "live", 2, False, 0, "", present, present,
         present if number % 2 else None, '{"count":0}', present if number % 100 == 5 else None)
        for number in range(actors)
        if number % 10 and (key := f"k{number}")
    )  # fmt: skip
    insert_all("default", ActorInstance, columns, rows)


def start_workers(count: int) -> list[UUID]:
    from actorqueues.models import Worker

    present = now()
    workers = [
        Worker(
            id=uuid4(), host="here", pid=number, version="1", types="deep,desk", started_at=present,
            renewed_at=present, expires_at=present + timedelta(hours=1), busy=200, resident=250,
        )
        for number in range(count)
    ]  # fmt: skip
    Worker.objects.bulk_create(workers)
    return [worker.id for worker in workers]


def heads(actors: list[UUID], queues: Iterable[str]) -> list[int]:
    """Of each one the first message of each queue."""
    from actorqueues.storage.dialects import WantedHeads, dialect_for

    wanted = [WantedHeads(actor_id, queue, 1) for actor_id in actors for queue in queues]
    return [mark.id for mark in dialect_for("default").read_marks(connections["default"], wanted)]


def set_to_work(type_name: str, queues: list[str], holders: list[UUID], count: int) -> None:
    """Each has one message in flight, of its first queue."""
    from actorqueues.models import ActorInstance, Message

    present = now()
    of_type = ActorInstance.objects.filter(type=type_name).order_by("id")
    chosen = list(of_type.values_list("pk", flat=True)[:count])
    for place, holder in enumerate(holders):
        mine = chosen[place :: len(holders)]
        ActorInstance.objects.filter(pk__in=mine).update(worker_id=holder, wake_at=None, paused_at=None)
        Message.objects.filter(pk__in=heads(mine, queues[:1])).update(started_at=present)


def fail_some(type_name: str, queues: list[str], count: int) -> None:
    """In all of their queues: they sleep until the next attempt."""
    from actorqueues.models import ActorInstance, HistoryEntry, Message

    later = now() + timedelta(minutes=5)
    sleeping = ActorInstance.objects.filter(type=type_name, worker_id__isnull=True).order_by("-id")
    chosen = list(sleeping.values_list("pk", flat=True)[:count])
    for start in range(0, count, 1000):
        some = chosen[start : start + 1000]
        ActorInstance.objects.filter(pk__in=some).update(wake_at=later)
        failed = Message.objects.filter(pk__in=heads(some, queues))
        failed.update(retry_at=later, failures=3, error=ERROR)
    HistoryEntry.objects.bulk_create(
        HistoryEntry(actor_id=actor_id, kind="failed", queue=queues[0], attempt=attempt, happened_at=later)
        for actor_id in chosen
        for attempt in (1, 2, 3)
    )


def bury_some(count: int) -> None:
    from actorqueues.models import ActorInstance, DeadLetter

    present = now()
    actors = list(ActorInstance.objects.order_by("id").values_list("pk", flat=True)[:count])
    DeadLetter.objects.bulk_create(
        (
            DeadLetter(
                uid=uuid4(), actor_id=actors[number % len(actors)], sequence=number, queue="work", body="{}",
                enqueued_at=present, failures=5, reason="rejected", error="no",
                died_at=present - timedelta(seconds=number),
            )
            for number in range(count)
        ),
        batch_size=1000,
    )  # fmt: skip


def count_some(holders: list[UUID]) -> None:
    """The last day of eight queues: by the minute for three hours, by the hour before."""
    from actorqueues.models import Statistic

    present = now()
    steps = [(60, minute * 60, holder) for minute in range(180) for holder in holders]
    steps += [(3600, hour * 3600, None) for hour in range(3, 24)]
    Statistic.objects.bulk_create(
        Statistic(
            worker_id=holder, type="deep", queue=f"work{queue or ''}", seconds=covers, sent=90, settled=100, failed=3,
            began_at=present - timedelta(seconds=ago), latencies=str([5] * 21),
        )
        for covers, ago, holder in steps
        for queue in range(8)
    )  # fmt: skip
