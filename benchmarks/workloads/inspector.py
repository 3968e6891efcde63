"""The pages of the admin, with 1,000,000 messages and 100,000 actors behind them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import UUID, uuid4

from django.db import connections
from django.test.utils import CaptureQueriesContext

from benchmarks import targets
from benchmarks.filling import fill_mailboxes, insert_all, settle_down
from benchmarks.results import Result

ACTORS, MESSAGES = 100_000, 1_000_000
AWAKE, BACKING_OFF, PAUSED, DEAD = 1_000, 10_000, 1_000, 20_000
ROUNDS = 11
FAR_PAGE = 40  # at scale 1
FAR: dict[str, str] = {"p": "far"}
LISTS: dict[str, list[dict[str, str]]] = {
    "actorinstance": [
        {}, FAR, {"q": "k77"}, {"q": "deep/k777"}, {"type": "deep"}, {"status": "awake"},
        {"status": "paused"}, {"status": "stale"}, {"status": "backing-off"}, {"status": "asleep"},
    ],
    "message": [
        {}, FAR, {"q": "deep/k777"}, {"type": "deep"}, {"type": "sink"}, {"queue": "work"},
        {"status": "in-flight"}, {"status": "retrying"}, {"status": "scheduled"}, {"status": "ready"},
    ],
    "deadletter": [{}, FAR, {"type": "deep"}, {"queue": "work"}, {"reason": "rejected"}],
    "worker": [{}],
    "overview": [{}],
}  # fmt: skip


def inspector(scale: float) -> Iterator[Result]:
    from django.contrib.auth.models import User
    from django.test import Client

    fill(scale)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(staff(User))
    took, queries = {}, {}
    for name, address in addresses(max(1, int(FAR_PAGE * scale))):
        took[name], queries[name] = look_at(client, address)
    for name in ("overview", "actorinstance", "message", "deadletter", "worker"):
        pages = {page: ms for page, ms in took.items() if page.startswith(name)}
        slowest = max(pages, key=lambda page: pages[page])
        note = f"{slowest}: {queries[slowest]} queries; the slowest of {len(pages)}"
        yield Result(targets.INSPECTOR[name], pages[slowest], "ms", note)
    most = max(queries, key=lambda page: queries[page])
    yield Result(targets.INSPECTOR_QUERIES, queries[most], "queries", most)


def staff(users: Any) -> Any:
    """One with every permission, each of them looked up."""
    from django.contrib.auth.models import Permission

    user, _ = users.objects.get_or_create(username="inspector", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="actorqueues"))
    return user


def addresses(far_page: int) -> Iterator[tuple[str, str]]:
    """Every page, its filters one by one, and one object's page of each model."""
    from django.urls import reverse
    from django.utils.http import urlencode

    from actorqueues.models import ActorInstance, DeadLetter, Message, Worker

    for model, queries in LISTS.items():
        address = reverse(f"admin:actorqueues_{model}_changelist")
        for query in queries:
            asked = urlencode({"p": far_page} if query is FAR else query)
            yield f"{model} {asked}".strip(), f"{address}?{asked}"
    for found in (ActorInstance, Message, DeadLetter, Worker):
        name, one = found._meta.model_name, found.objects.first()
        key = one.uid.hex if found is Message else one.pk
        yield f"{name} page", reverse(f"admin:actorqueues_{name}_change", args=[key])
    busy = ActorInstance.objects.filter(worker_id__isnull=False).first()
    for name in ("change", "sections"):
        yield f"actorinstance {name}", reverse(f"admin:actorqueues_actorinstance_{name}", args=[busy.pk])
    yield "overview sections", reverse("admin:actorqueues_overview_sections")
    yield "message send", reverse("admin:actorqueues_message_add") + "?type=deep&key=k1&queue=work"


def look_at(client: Any, address: str) -> tuple[float, int]:
    """Milliseconds of the whole answer, as the middle of some; and its queries."""
    with counted() as made:
        answer = client.get(address)
    queries = made()  # the next request's beginning forgets them
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        client.get(address)
        times.append((time.perf_counter() - began) * 1000)
    return median(times), queries


@contextmanager
def counted() -> Iterator[Any]:
    """Those too that go past Django's cursors."""
    from actorqueues.storage.dialects.postgresql_reads import PostgreSQLReads

    beside, read = [], PostgreSQLReads._rows

    def reading(self: Any, connection: Any, sql: str, parameters: Any) -> Any:
        beside.append(sql)
        return read(self, connection, sql, parameters)

    PostgreSQLReads._rows = reading  # type: ignore[method-assign]
    try:
        with CaptureQueriesContext(connections["default"]) as seen:
            yield lambda: len(seen) + len(beside)
    finally:
        PostgreSQLReads._rows = read  # type: ignore[method-assign]


# What is stored


def fill(scale: float) -> None:
    """A busy system at some moment: most actors asleep with mail, some at work, in backoff, paused; dead letters."""
    from benchmarks.actors import Deep

    actors, messages = max(200, int(ACTORS * scale)), max(2_000, int(MESSAGES * scale))
    fill_mailboxes("default", Deep, "work", actors, messages)
    make_rows(actors)
    holders = start_workers(4)
    set_to_work(holders, max(20, int(AWAKE * scale)))
    fail_some(max(20, int(BACKING_OFF * scale)))
    bury_some(max(20, int(DEAD * scale)))
    count_some(holders)
    settle_down("default")


def make_rows(actors: int) -> None:
    """As claims and releases leave them; for one in ten only its wakes say who it is."""
    from actorqueues.definitions.keys import actor_id_for
    from actorqueues.models import ActorInstance
    from actorqueues.storage.actors import ROW_COLUMNS
    from actorqueues.storage.dialects import dialect_for

    now = dialect_for("default").now(connections["default"])
    columns = (*ROW_COLUMNS, "initialised_at", "active_at", "wake_at", "state", "paused_at")
    rows = (
        (actor_id_for("deep", key), "deep", key, None, now, 1, "live", 2, False, 0, "", now, now,
         now if number % 2 else None, '{"count":0}', now if number % 100 == 5 else None)
        for number in range(actors)
        if number % 10 and (key := f"k{number}")
    )  # fmt: skip
    insert_all("default", ActorInstance, columns, rows)


def start_workers(count: int) -> list[UUID]:
    from actorqueues.models import Worker
    from actorqueues.storage.dialects import dialect_for

    now = dialect_for("default").now(connections["default"])
    workers = [
        Worker(
            id=uuid4(), host="here", pid=number, version="1", types="deep", started_at=now, renewed_at=now,
            expires_at=now + timedelta(hours=1), busy=200, resident=250,
        )
        for number in range(count)
    ]  # fmt: skip
    Worker.objects.bulk_create(workers)
    return [worker.id for worker in workers]


def heads(actors: list[UUID]) -> list[int]:
    from actorqueues.storage.dialects import WantedHeads, dialect_for

    wanted = [WantedHeads(actor_id, "work", 1) for actor_id in actors]
    return [mark.id for mark in dialect_for("default").read_marks(connections["default"], wanted)]


def set_to_work(holders: list[UUID], count: int) -> None:
    from actorqueues.models import ActorInstance, Message
    from actorqueues.storage.dialects import dialect_for

    now = dialect_for("default").now(connections["default"])
    for place, holder in enumerate(holders):
        start = place * count // len(holders)
        mine = [row.pk for row in ActorInstance.objects.order_by("id")[start : start + count // len(holders)]]
        ActorInstance.objects.filter(pk__in=mine).update(worker_id=holder, wake_at=None)
        Message.objects.filter(pk__in=heads(mine)).update(started_at=now)


def fail_some(count: int) -> None:
    from actorqueues.models import ActorInstance, HistoryEntry, Message
    from actorqueues.storage.dialects import dialect_for

    later = dialect_for("default").now(connections["default"]) + timedelta(minutes=5)
    sleeping = ActorInstance.objects.filter(worker_id__isnull=True).order_by("-id")
    chosen = list(sleeping.values_list("pk", flat=True)[:count])
    for start in range(0, count, 1000):
        some = chosen[start : start + 1000]
        ActorInstance.objects.filter(pk__in=some).update(wake_at=later)
        error = "Traceback (most recent call last):\n  here\nValueError: no"
        Message.objects.filter(pk__in=heads(some)).update(retry_at=later, failures=3, error=error)
    HistoryEntry.objects.bulk_create(
        HistoryEntry(actor_id=actor_id, kind="failed", queue="work", attempt=attempt, happened_at=later)
        for actor_id in chosen
        for attempt in (1, 2, 3)
    )


def bury_some(count: int) -> None:
    from actorqueues.models import ActorInstance, DeadLetter
    from actorqueues.storage.dialects import dialect_for

    now = dialect_for("default").now(connections["default"])
    actors = list(ActorInstance.objects.order_by("id").values_list("pk", flat=True)[:count])
    DeadLetter.objects.bulk_create(
        (
            DeadLetter(
                uid=uuid4(), actor_id=actors[number % len(actors)], sequence=number, queue="work", body="{}",
                enqueued_at=now, failures=5, reason="rejected", error="no", died_at=now - timedelta(seconds=number),
            )
            for number in range(count)
        ),
        batch_size=1000,
    )  # fmt: skip


def count_some(holders: list[UUID]) -> None:
    """The last day of eight queues: by the minute for three hours, by the hour before."""
    from actorqueues.models import Statistic
    from actorqueues.storage.dialects import dialect_for

    now = dialect_for("default").now(connections["default"])
    steps = [(60, minute * 60, holder) for minute in range(180) for holder in holders]
    steps += [(3600, hour * 3600, None) for hour in range(3, 24)]
    Statistic.objects.bulk_create(
        Statistic(
            worker_id=holder, type="deep", queue=f"work{queue or ''}", seconds=covers, sent=90, settled=100, failed=3,
            began_at=now - timedelta(seconds=ago), latencies=str([5] * 21),
        )
        for covers, ago, holder in steps
        for queue in range(8)
    )  # fmt: skip
