"""State commits with the step that changed it, and only then."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from actorqueues import Actor, Backoff, MessageFailed, Queue, handler
from actorqueues.models import ActorInstance, HistoryEntry
from tests.fixtures.workers import PATIENCE, eventually

QUICK = Backoff(first=0.02)


class Basket(BaseModel):
    items: list[str] = []
    prices: dict[str, list[int]] = {}


def test_state_commits_with_the_settlement(start_worker):
    class Counter(Actor):
        initial_state = {"value": 0}

        @handler
        async def add(self, body: int) -> int:
            self.state["value"] += body
            return self.state["value"]

    counter = Counter.get_or_create("x")
    assert counter.get_state() == {"value": 0}
    start_worker()
    assert counter.ask("add", 2, timeout=PATIENCE) == 2
    assert counter.get_state() == {"value": 2}
    assert counter.ask("add", 3, timeout=PATIENCE) == 5
    assert counter.get_state() == {"value": 5}


def test_changes_of_a_failed_attempt_are_discarded_also_deep_in_a_dict(start_worker):
    class Nested(Actor):
        initial_state = {"deep": {"list": [1]}}

        @handler(backoff=QUICK)
        def work(self, body: Any, message) -> Any:
            self.state["deep"]["list"].append(message.attempt)
            self.state.setdefault("attempts", []).append(message.attempt)
            if message.attempt < 3:
                raise RuntimeError("again")
            return self.state

    nested = Nested.get_or_create("x")
    start_worker()
    expected = {"deep": {"list": [1, 3]}, "attempts": [3]}
    assert nested.ask("work", None, timeout=PATIENCE) == expected
    assert nested.get_state() == expected


def test_changes_of_a_failed_attempt_are_discarded_also_in_models(start_worker):
    class Shop(Actor[Basket]):
        @handler(backoff=QUICK)
        async def put(self, body: str, message) -> None:
            self.state.items.append(body)
            self.state.prices.setdefault(body, []).append(message.attempt)
            if message.attempt == 1:
                raise RuntimeError("again")

    shop = Shop.get_or_create("x")
    start_worker()
    shop.ask("put", "tea", timeout=PATIENCE)
    assert shop.get_state() == Basket(items=["tea"], prices={"tea": [2]})


def test_a_failure_after_a_success_goes_back_to_what_the_success_left(start_worker):
    class Counter(Actor):
        @handler(max_attempts=1)
        async def add(self, body: int) -> int:
            self.state["value"] = self.state.get("value", 0) + body
            if body > 10:
                raise RuntimeError("too much")
            return self.state["value"]

    counter = Counter.get_or_create("x")
    start_worker()
    counter.send("add", 1)
    counter.send("add", 100)
    assert counter.ask("add", 2, timeout=PATIENCE) == 3
    assert counter.get_state() == {"value": 3}


def test_a_failure_that_leaves_run_restores_the_state_and_empties_vars(start_worker, quick_restarts):
    seen = []

    class Fragile(Actor):
        a = Queue(int)

        def on_wake(self):
            self.vars.fresh = True

        async def run(self):
            seen.append((dict(self.state), vars(self.vars).copy()))
            self.state["uncommitted"] = True
            self.vars.left = True
            if len(seen) == 1:
                raise RuntimeError("gone")
            await self.a.next()

    fragile = Fragile.get_or_create("x")
    fragile.send("a", 1)
    start_worker()
    eventually(lambda: len(seen) > 1)
    assert seen[:2] == [({}, {"fresh": True}), ({}, {"fresh": True})]


def test_save_state_commits_before_the_message_is_settled(start_worker):
    class Saver(Actor):
        a = Queue(int)

        async def run(self):
            async for message in self.a.iter(completable=True):
                self.state["begun"] = message.body
                await self.save_state()
                saved.append(await asyncio.to_thread(read))
                await go_on.wait()

    def read():
        from django.db import connections

        try:
            return saver.get_state()
        finally:
            connections.close_all()

    saved, go_on = [], asyncio.Event()
    saver = Saver.get_or_create("x")
    saver.send("a", 5)
    start_worker(grace=0.1)
    assert eventually(lambda: saved) == [{"begun": 5}]


def test_state_is_kept_over_a_sleep_and_vars_are_not(start_worker):
    class Sleeper(Actor):
        @handler
        async def remember(self, body: int) -> list[Any]:
            before = [self.state.get("kept"), getattr(self.vars, "kept", None)]
            self.state["kept"] = self.vars.kept = body
            return before

    sleeper = Sleeper.get_or_create("x")
    start_worker(sleep_after=0.02)
    assert sleeper.ask("remember", 1, timeout=PATIENCE) == [None, None]
    eventually(lambda: ActorInstance.objects.filter(worker_id=None).exists())
    assert sleeper.ask("remember", 2, timeout=PATIENCE) == [1, None]


def test_vars_last_as_long_as_the_activation(start_worker):
    class Waker(Actor):
        @handler
        async def count(self) -> int:
            self.vars.count = getattr(self.vars, "count", 0) + 1
            return self.vars.count

    waker = Waker.get_or_create("x")
    start_worker()
    assert [waker.ask("count", timeout=PATIENCE) for _ in range(3)] == [1, 2, 3]


def stored_state(text):
    ActorInstance.objects.update(state=text)


def test_old_state_is_upgraded_and_stored_with_the_next_step(start_worker):
    class Shop(Actor[Basket]):
        @handler(backoff=QUICK)
        async def put(self, body: str, message) -> int:
            self.state.items.append(body)
            if message.attempt == 1:
                raise RuntimeError("the upgraded state is what a failure goes back to")
            return len(self.state.items)

        def upgrade_state(self, raw):
            return {"items": raw["items"].split()}

    shop = Shop.get_or_create("x")
    worker = start_worker()
    shop.ask("put", "tea", timeout=PATIENCE)
    worker.stop()
    stored_state('{"items":"milk bread"}')
    start_worker()
    assert shop.ask("put", "salt", timeout=PATIENCE) == 3
    assert shop.get_state().items == ["milk", "bread", "salt"]


def test_an_actor_with_broken_state_is_held_and_reported_until_it_is_resumed(start_worker, caplog):
    class Shop(Actor[Basket]):
        @handler
        async def put(self, body: str) -> int:
            self.state.items.append(body)
            return len(self.state.items)

    class Other(Actor):
        @handler
        async def work(self) -> int:
            return 1

    shop = Shop.get_or_create("x")
    worker = start_worker()
    shop.ask("put", "tea", timeout=PATIENCE)
    worker.stop()
    stored_state('{"items":5}')
    receipt = shop.send("put", "salt", track=True)
    start_worker()
    row = eventually(lambda: ActorInstance.objects.filter(status="held").first())
    assert "items" in row.held_reason
    assert "is held" in caplog.text
    assert Other.get_or_create("y").ask("work", timeout=PATIENCE) == 1
    assert shop.wait_for(receipt, timeout=0.1).status == "timed_out"
    stored_state('{"items":["milk"]}')
    shop.resume()
    assert shop.wait_for(receipt, timeout=PATIENCE).response == 2


def test_state_that_is_no_json_fails_the_attempt_that_made_it(start_worker):
    class Careless(Actor):
        @handler(max_attempts=1)
        async def work(self, body: bool) -> bool:
            self.state["thing"] = object() if body else 1
            return body

    careless = Careless.get_or_create("x")
    start_worker()
    with pytest.raises(MessageFailed, match="thing"):
        careless.ask("work", True, timeout=PATIENCE)
    assert careless.ask("work", False, timeout=PATIENCE) is False
    assert careless.get_state() == {"thing": 1}


def test_state_that_is_no_json_when_run_returns_fails_its_message(start_worker, quick_restarts):
    class Careless(Actor):
        a = Queue(int, max_attempts=2, backoff=QUICK)

        async def run(self):
            message = await self.a.next()
            self.state["thing"] = {message.attempt}

    careless = Careless.get_or_create("x")
    start_worker()
    result = careless.send("a", 1, wait=True, timeout=PATIENCE)
    assert result.status == "failed"
    assert "StateNotSerializable" in result.error
    assert careless.get_state() == {}


def test_a_task_that_ends_in_the_middle_of_a_delivery_commits_nothing_of_it(start_worker):
    class Busy(Actor):
        @handler(max_attempts=1)
        async def work(self, body: int) -> None:
            self.state["half"] = True
            await asyncio.create_task(asyncio.sleep(0.01))
            await self.elsewhere()
            raise RuntimeError("half-way")

        async def elsewhere(self):
            async def nothing():
                pass

            await asyncio.gather(nothing(), nothing())

    busy = Busy.get_or_create("x")
    start_worker()
    assert busy.send("work", 1, wait=True, timeout=PATIENCE).status == "failed"
    assert busy.get_state() == {}


def test_a_long_reason_keeps_both_ends(start_worker):
    """Which actor it is stands at the one, what is wrong with it often at the other."""

    class Shop(Actor[Basket]):
        @handler
        async def put(self, body: str) -> int:
            self.state.items.append(body)
            return len(self.state.items)

        def upgrade_state(self, raw):
            raise ValueError("no item " * 5_000 + "but salt")

    shop = Shop.get_or_create("x")
    worker = start_worker()
    shop.ask("put", "tea", timeout=PATIENCE)
    worker.stop()
    stored_state('{"items":5}')
    shop.send("put", "salt")
    start_worker()
    row = eventually(lambda: ActorInstance.objects.filter(status="held").first())
    note = HistoryEntry.objects.get(kind="held").note
    for text, longest in ((row.held_reason, 8_000), (note, 500)):
        assert "upgrade_state() raised ValueError: no item" in text
        assert text.endswith("but salt")
        assert len(text) <= longest
