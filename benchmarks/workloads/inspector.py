"""The pages of the admin, with 1,000,000 messages and 100,000 actors behind them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from django.db import connections
from django.test.utils import CaptureQueriesContext

from benchmarks import targets
from benchmarks.moment import fill
from benchmarks.results import Result

ROUNDS = 11
FAR_PAGE = 40  # at scale 1
FAR: dict[str, str] = {"p": "far"}
LISTS: dict[str, list[dict[str, str]]] = {
    "actorinstance": [
        {}, FAR, {"q": "k77"}, {"q": "desk/k77"}, {"type": "deep"}, {"type": "desk"}, {"status": "awake"},
        {"status": "paused"}, {"status": "stale"}, {"status": "backing-off"}, {"status": "asleep"},
    ],
    "message": [
        {}, FAR, {"q": "desk/k77"}, {"type": "deep"}, {"type": "sink"}, {"queue": "work"},
        {"status": "in-flight"}, {"status": "in-flight", "type": "desk"}, {"status": "retrying"},
        {"status": "scheduled"}, {"status": "ready"},
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
    busy = ActorInstance.objects.filter(worker_id__isnull=False, type="desk").first()
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
