"""What people take away while a worker has it in memory: burials and purges."""

import asyncio
import threading

from actorqueues import Actor, Backoff, Queue, handler
from actorqueues.models import ActorInstance, DeadLetter, Message, Outcome
from actorqueues.storage.burying import Burial, bury_message
from actorqueues.storage.purging import purge_queue, purge_type
from tests.fixtures.workers import PATIENCE, eventually

ACTORS, MESSAGES = 6, 400


def test_a_resident_actor_goes_on_behind_a_failing_message_that_was_put_aside(start_worker, backend):
    tried, done = [], []

    class Importer(Actor):
        @handler(backoff=Backoff(first=0.5, factor=1))
        def load(self, body: int) -> None:
            if body < 0:
                tried.append(body)
                raise ValueError("poison")
            done.append(body)

    actor = Importer.get_or_create("x")
    poison, _ = actor.send_many(Importer.load, [-1, 1], track=True)
    start_worker(sleep_after=60)
    eventually(lambda: tried)
    row = Message.objects.using(backend).get(uid=poison.id)

    def bury():
        return bury_message(row.uid, actor_id=row.actor_id, note="no", using=backend) is Burial.DONE

    eventually(bury)  # not while an attempt is under way
    attempts = len(tried)
    assert eventually(lambda: done) == [1]
    assert len(tried) == attempts
    assert actor.wait_for(poison, timeout=PATIENCE).error == "no"
    assert DeadLetter.objects.get().reason == "buried"
    assert ActorInstance.objects.get().worker_id is not None


def test_a_purge_while_a_worker_drains_counts_what_is_never_handled_and_nothing_is_stuck(
    start_worker, backend
):
    """Each message is settled or purged, never both: its outcome and the state agree."""

    class Adder(Actor):
        initial_state = {"sum": 0}

        @handler
        async def add(self, body: int) -> None:
            await asyncio.sleep(0.001)  # a backlog, however fast the machine
            self.state["sum"] += body

    class Walker(Actor):
        initial_state = {"sum": 0}
        add = Queue(int)

        async def run(self):
            async for message in self.add.iter(completable=True):
                self.state["sum"] += message.body
                await message.complete()

    kinds = (Adder, Walker)
    actors = [kind.get_or_create(str(number)) for kind in kinds for number in range(ACTORS)]
    start_worker(sleep_after=60)
    assert all(actor.send("add", 0, wait=True, timeout=PATIENCE).status == "completed" for actor in actors)
    removed = dict.fromkeys((kind.type_name for kind in kinds), 0)
    for _ in range(4):
        for actor in actors:
            actor.send_many("add", [1] * MESSAGES, track=True)
        for kind in kinds:
            parts = purge_type(kind.type_name, "add", using=backend)
            removed[kind.type_name] += sum(part.messages for part in parts)
    sent = 4 * MESSAGES * ACTORS
    eventually(lambda: not Message.objects.exists(), timeout=60)
    for kind in kinds:
        mine = [actor for actor in actors if actor.actor_class is kind]
        handled = sum(actor.get_state()["sum"] for actor in mine)
        assert handled + removed[kind.type_name] == sent
        assert all(actor.send("add", 1, wait=True, timeout=PATIENCE).status == "completed" for actor in mine)
    assert removed["adder"] > 0
    outcomes = list(Outcome.objects.values_list("status", "error"))
    assert outcomes.count(("failed", "purged")) == sum(removed.values())


def test_a_start_mark_that_is_on_its_way_when_its_message_is_purged_costs_only_that(start_worker, backend):
    """The worker has read ahead; each of those is refused by itself, and the next send is handled."""
    handled, go_on = [], threading.Event()

    class Slow(Actor):
        @handler
        def work(self, body: int) -> None:
            handled.append(body)
            if body == 0:
                assert go_on.wait(20)

    actor = Slow.get_or_create("x")
    actor.send_many(Slow.work, range(50))
    start_worker(sleep_after=60)
    eventually(lambda: handled)
    eventually(lambda: Message.objects.in_flight().exists())
    row = ActorInstance.objects.get()
    removed = sum(part.messages for part in purge_queue(row.id, "work", using=backend))
    assert removed == 49
    go_on.set()
    assert actor.send(Slow.work, 99, wait=True, timeout=PATIENCE).status == "completed"
    assert {0, 99} <= set(handled)
    assert not Message.objects.exists()
