"""ORM calls of handlers: on lanes, and without leaking connections."""

import threading
import time

from asgiref.sync import sync_to_async
from django.db import connections

from actorqueues import Actor, handler
from tests.fixtures.backends import only_postgresql
from tests.fixtures.workers import PATIENCE
from tests.playground.models import Ledger


def writer():
    class Writer(Actor):
        @handler
        async def through_the_orm(self, body: int) -> str:
            await Ledger.objects.acreate(actor_key=self.key[0], message_id="m", value=body)
            return ""

        @handler
        async def through_sync_to_async(self, body: int) -> str:
            return await sync_to_async(self.write)(body)

        @handler
        def synchronously(self, body: int) -> str:
            return self.write(body)

        def write(self, body):
            Ledger.objects.create(actor_key=self.key[0], message_id="m", value=body)
            return threading.current_thread().name

    return Writer


def test_orm_calls_of_handlers_run_on_lanes(start_worker, backend):
    Writer = writer()
    start_worker()
    actor = Writer.get_or_create("x")
    names = [
        actor.ask(queue, 1, timeout=PATIENCE)
        for queue in ("through_the_orm", "through_sync_to_async", "synchronously")
    ]
    assert names[0] == ""
    assert all(name.startswith("aq-lane") for name in names[1:])
    assert Ledger.objects.count() == 3


def open_connections():
    with connections["postgresql"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


@only_postgresql
def test_no_connection_is_left_over(start_worker, backend):
    Writer = writer()
    before = open_connections()
    worker = start_worker(lanes=2)
    receipts = []
    for number in range(12):
        actor = Writer.get_or_create(number)
        for queue in ("through_the_orm", "through_sync_to_async", "synchronously"):
            receipts.append((actor, actor.send(queue, number, track=True)))
    for actor, receipt in receipts:
        assert actor.wait_for(receipt, timeout=PATIENCE).status == "completed"
    # two lanes, journal, leasing, heartbeat, the listener, and this test's own waiting
    assert open_connections() - before <= 8
    worker.stop()
    give_up_at = time.monotonic() + PATIENCE
    while open_connections() - before > 2:  # the waiting side of this process stays
        assert time.monotonic() < give_up_at, f"{open_connections() - before} connections are left"
        time.sleep(0.02)
    assert Ledger.objects.count() == 36


def test_a_slow_actor_holds_one_lane_and_not_its_neighbours(start_worker, backend):
    class Slow(Actor):
        @handler
        def work(self, body: float) -> None:
            time.sleep(body)

    class Quick(Actor):
        @handler
        def work(self, body: int) -> int:
            return body

    start_worker(lanes=2)
    slow = Slow.get_or_create("s").send("work", 3.0, track=True)
    began = time.monotonic()
    assert [Quick.get_or_create(n).ask("work", n, timeout=PATIENCE) for n in range(5)] == list(range(5))
    assert time.monotonic() - began < 3.0
    assert Slow.get_or_create("s").wait_for(slow, timeout=PATIENCE).status == "completed"


def test_no_thread_is_left_over(start_worker, backend):
    Writer = writer()
    Writer.get_or_create("x").send("synchronously", 1)
    worker = start_worker()
    assert Writer.get_or_create("x").ask("through_the_orm", 1, timeout=PATIENCE) == ""
    worker.stop()
    give_up_at = time.monotonic() + PATIENCE
    while left := [
        thread.name for thread in threading.enumerate() if thread.name.startswith(("aq-lane", "aq-journal"))
    ]:
        assert time.monotonic() < give_up_at, left
        time.sleep(0.02)
