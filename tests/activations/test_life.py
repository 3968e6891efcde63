"""Hooks, restarts, sleep and wake, destroy."""

import asyncio
import math
import time
from typing import Any

import pytest

from actorqueues import Actor, ActorNotFound, Backoff, MessageFailed, Queue, handler
from actorqueues.models import ActorInstance, Message
from actorqueues.runtime import life
from tests.fixtures.workers import PATIENCE, eventually


def asleep():
    row = ActorInstance.objects.first()
    return row is not None and row.worker_id is None and row.initialised_at is not None


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_hooks_are_called_in_the_order_of_a_life(start_worker, kind):
    calls = []

    class Plain(Actor):
        a = Queue(int)

        def on_create(self, input):
            calls.append(("create", input))
            self.state["made"] = input

        def on_wake(self):
            calls.append(("wake", self.state["made"]))

        async def run(self):
            async for message in self.a.iter():
                calls.append(("message", message.body))

        def on_sleep(self):
            calls.append("sleep")
            self.state["slept"] = self.state.get("slept", 0) + 1

        def on_destroy(self):
            calls.append("destroy")

    class Asynchronous(Plain):
        async def on_create(self, input):
            super().on_create(input)

        async def on_wake(self):
            super().on_wake()

        async def on_sleep(self):
            super().on_sleep()

        async def on_destroy(self):
            super().on_destroy()

    actor = (Plain if kind == "sync" else Asynchronous).create("x", {"n": 1})
    actor.send("a", 1)
    start_worker(sleep_after=0.02)
    eventually(lambda: "sleep" in calls)
    eventually(asleep)
    assert actor.get_state() == {"made": {"n": 1}, "slept": 1}
    actor.send("a", 2)
    eventually(lambda: calls.count("sleep") == 2)
    eventually(asleep)
    actor.destroy()
    eventually(lambda: calls[-1] == "destroy")
    waking = ("wake", {"n": 1})
    assert calls == [
        ("create", {"n": 1}), waking, ("message", 1), "sleep",
        waking, ("message", 2), "sleep",
        "destroy",
    ]  # fmt: skip


def test_run_starts_after_create_without_any_message(start_worker):
    class Eager(Actor):
        async def run(self):
            ran.append(self.key)

    ran = []
    Eager.create("x")
    start_worker()
    assert eventually(lambda: ran) == [("x",)]


def test_a_run_that_returned_starts_again_at_the_next_message(start_worker):
    class Once(Actor):
        a = Queue(int)

        async def run(self):
            seen.append((await self.a.next()).body)

    seen = []
    once = Once.get_or_create("x")
    start_worker()
    for number in (1, 2, 3):
        once.send("a", number)
        eventually(lambda number=number: seen[-1:] == [number])
        eventually(asleep)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("how", ["returns", "raises"])
def test_a_run_that_ends_with_mail_waiting_starts_again_after_growing_pauses_and_is_logged_once(
    start_worker, monkeypatch, caplog, how
):
    monkeypatch.setattr(life, "PAUSES", Backoff(first=0.03))

    class Hasty(Actor):
        a = Queue(int)

        async def run(self):
            times.append(time.monotonic())
            if how == "raises":
                raise RuntimeError("hasty")

    times = []
    Hasty.get_or_create("x").send("a", 1)
    start_worker()
    eventually(lambda: len(times) == 4)
    assert times[1] - times[0] >= 0.03
    assert times[2] - times[1] >= 0.06
    assert times[3] - times[2] >= 0.12
    assert len([record for record in caplog.records if "with mail waiting" in record.getMessage()]) == 1


def test_pauses_are_one_two_and_four_seconds():
    assert [life.PAUSES.delay(ended) for ended in (1, 2, 3, 20)] == [1, 2, 4, 300]


def test_a_hook_that_fails_is_tried_again_before_run(start_worker, quick_restarts):
    class Stumbling(Actor):
        def __init__(self):
            calls.append("init")
            if calls.count("init") == 1:
                raise RuntimeError("init")

        def on_create(self, input):
            calls.append("create")
            self.state["create"] = calls.count("create")
            if calls.count("create") == 1:
                raise RuntimeError("create")

        def on_wake(self):
            calls.append("wake")
            if calls.count("wake") == 1:
                raise RuntimeError("wake")

        @handler
        async def work(self) -> Any:
            return self.state

    class Other(Actor):
        @handler
        async def work(self) -> int:
            return 1

    calls = []
    start_worker()
    assert Stumbling.get_or_create("x").ask("work", timeout=PATIENCE) == {"create": 2}
    assert Other.get_or_create("y").ask("work", timeout=PATIENCE) == 1
    assert calls == ["init", "init", "create", "init", "create", "wake", "init", "wake"]


def test_an_actor_sleeps_when_it_waits_and_nothing_is_due(start_worker):
    class Idle(Actor):
        @handler
        async def work(self, body: int) -> int:
            return body

    idle = Idle.get_or_create("x")
    start_worker(sleep_after=0.1)
    began = time.monotonic()
    idle.ask("work", 1, timeout=PATIENCE)
    eventually(asleep)
    assert 0.1 <= time.monotonic() - began < 3
    assert idle.ask("work", 2, timeout=PATIENCE) == 2  # a message wakes it


def stays_awake(start_worker, run, seconds=0.2, **options):
    class Awake(Actor):
        a = Queue(int)
        b = Queue(int)

    Awake.run = run
    Awake.create("x")
    start_worker(sleep_after=0.02, grace=0.2)
    eventually(lambda: ActorInstance.objects.filter(worker_id__isnull=False).exists())
    time.sleep(seconds)
    return not asleep()


def test_running_code_is_not_put_to_sleep(start_worker):
    async def run(self):
        await asyncio.sleep(5)

    assert stays_awake(start_worker, run)


def test_a_receive_with_a_time_limit_is_not_put_to_sleep(start_worker):
    async def run(self):
        await self.a.next(timeout=5)

    assert stays_awake(start_worker, run)


def test_an_actor_with_one_busy_task_is_not_put_to_sleep(start_worker):
    async def run(self):
        task = asyncio.create_task(asyncio.sleep(5))
        await self.a.next()
        await task

    assert stays_awake(start_worker, run)


def test_a_receive_in_the_background_does_not_send_its_busy_creator_to_sleep(start_worker):
    async def run(self):
        waiting = asyncio.create_task(self.a.next())
        await asyncio.sleep(5)
        waiting.cancel()

    assert stays_awake(start_worker, run)


def test_keep_awake_keeps_an_actor_awake(start_worker):
    async def run(self):
        with self.keep_awake():
            await self.a.next()

    assert stays_awake(start_worker, run)


def test_an_actor_sleeps_once_nothing_keeps_it_awake_any_more(start_worker):
    async def run(self):
        with self.keep_awake():
            await self.a.next(timeout=0.05)
        await self.a.next()

    stays_awake(start_worker, run, seconds=0)
    eventually(asleep)


def test_an_actor_that_never_sleeps_stays(start_worker):
    class Sleepless(Actor):
        sleep_after = math.inf

        async def run(self):
            await self.queue.next()

    Sleepless.create("x")
    start_worker(sleep_after=0.02)
    eventually(lambda: ActorInstance.objects.filter(worker_id__isnull=False).exists())
    time.sleep(0.15)
    assert not asleep()


def test_a_scheduled_message_wakes_a_sleeper(start_worker):
    class Sleeper(Actor):
        @handler
        async def work(self, body: int) -> int:
            return body

    sleeper = Sleeper.get_or_create("x")
    start_worker(sleep_after=0.02)
    receipt = sleeper.send("work", 1, delay=0.3, track=True)
    eventually(asleep)
    assert sleeper.wait_for(receipt, timeout=PATIENCE).response == 1


def test_a_scheduled_message_reaches_an_actor_that_is_awake(start_worker):
    class Awake(Actor):
        @handler
        async def work(self, body: int) -> int:
            return body

    awake = Awake.get_or_create("x")
    start_worker()
    awake.ask("work", 1, timeout=PATIENCE)
    began = time.monotonic()
    receipt = awake.send("work", 2, delay=0.2, track=True)
    assert awake.wait_for(receipt, timeout=PATIENCE).response == 2
    assert time.monotonic() - began >= 0.2


def test_a_retry_wakes_a_sleeper(start_worker):
    class Sleeper(Actor):
        @handler(backoff=Backoff(first=0.3))
        async def work(self, body: int, message) -> int:
            if message.attempt == 1:
                raise RuntimeError("later")
            return message.attempt

    sleeper = Sleeper.get_or_create("x")
    start_worker(sleep_after=0.02)
    receipt = sleeper.send("work", 1, track=True)
    eventually(lambda: Message.objects.filter(failures=1).exists() and asleep())
    assert sleeper.wait_for(receipt, timeout=PATIENCE).response == 2


def test_a_paused_actor_is_left_alone_until_it_is_resumed(start_worker):
    class Paused(Actor):
        @handler
        async def work(self, body: int) -> int:
            return body

    paused = Paused.get_or_create("x")
    start_worker()
    paused.ask("work", 1, timeout=PATIENCE)
    paused.pause()
    eventually(asleep)
    receipt = paused.send("work", 2, track=True)
    assert paused.wait_for(receipt, timeout=0.2).status == "timed_out"
    paused.resume()
    assert paused.wait_for(receipt, timeout=PATIENCE).response == 2


def test_a_destroyed_actors_waiters_get_failed_and_its_key_starts_fresh(start_worker):
    class Living(Actor):
        a = Queue(int)  # nobody reads it

        @handler
        async def who(self) -> str:
            self.state["calls"] = self.state.get("calls", 0) + 1
            return f"{self.id} {self.state['calls']}"

    mortal = Living.get_or_create("x")
    start_worker()
    first_id, calls = mortal.ask("who", timeout=PATIENCE).split()
    assert calls == "1"
    receipt = mortal.send("a", 1, track=True)
    mortal.destroy()
    result = mortal.wait_for(receipt, timeout=PATIENCE)
    assert result.status == "failed"
    assert "destroyed" in result.error
    eventually(lambda: not mortal.exists())
    second_id, calls = mortal.ask("who", timeout=PATIENCE).split()
    assert calls == "1"
    assert second_id != first_id
    with pytest.raises(ActorNotFound):
        Living.get_for_id(first_id).send("who")
    assert Living.get_for_id(second_id).ask("who", timeout=PATIENCE) == f"{second_id} 2"


def test_an_actor_destroys_itself(start_worker):
    class Mortal(Actor):
        @handler
        async def end(self) -> str:
            self.state["ended"] = True
            self.destroy()
            return "goodbye"

        def on_destroy(self):
            ended.append(dict(self.state))

    ended = []
    mortal = Mortal.get_or_create("x")
    start_worker()
    assert mortal.ask("end", timeout=PATIENCE) == "goodbye"
    eventually(lambda: not mortal.exists())
    assert ended == [{"ended": True}]
    assert mortal.get_state() == {}


def test_destroy_during_next_aborts_it(start_worker):
    class Waiting(Actor):
        a = Queue(int)

        async def run(self):
            seen.append("waiting")
            async for _ in self.a.iter():
                pass
            seen.append("aborted" if self.aborted else "ended")

    seen = []
    waiting = Waiting.create("x")
    start_worker()
    eventually(lambda: seen)
    waiting.destroy()
    eventually(lambda: not waiting.exists() and len(seen) > 1)
    assert seen == ["waiting", "aborted"]


def test_an_actor_that_sleeps_is_destroyed_with_its_hook(start_worker):
    class Mortal(Actor):
        @handler
        async def work(self) -> int:
            self.state["worked"] = True
            return 1

        async def on_destroy(self):
            ended.append(dict(self.state))

    ended = []
    mortal = Mortal.get_or_create("x")
    start_worker(sleep_after=0.02)
    mortal.ask("work", timeout=PATIENCE)
    eventually(asleep)
    mortal.destroy()
    assert eventually(lambda: ended) == [{"worked": True}]
    eventually(lambda: ActorInstance.objects.filter(status="destroyed").exists())


def test_actors_are_created_and_destroyed_rapidly(start_worker):
    class Brief(Actor):
        @handler
        async def work(self, body: int) -> int:
            return body

    start_worker()
    for number in range(10):
        brief = Brief.get_or_create("x")
        brief.send("work", number)
        brief.destroy()
    brief = Brief.get_or_create("x")
    eventually(lambda: not ActorInstance.objects.filter(status="destroying").exists())
    try:
        assert brief.ask("work", 1, timeout=PATIENCE) == 1
    except MessageFailed:  # it came into the last life
        assert brief.ask("work", 1, timeout=PATIENCE) == 1


def test_a_stop_while_an_actor_starts_is_no_loss(start_worker):
    class Starting(Actor):
        async def on_wake(self):
            waking.append(True)
            if len(waking) == 1:
                await asyncio.sleep(0.1)

        @handler
        async def work(self, body: int) -> int:
            return body

    waking = []
    starting = Starting.get_or_create("x")
    receipt = starting.send("work", 1, track=True)
    worker = start_worker()
    eventually(lambda: waking)
    worker.stop()
    start_worker()
    assert starting.wait_for(receipt, timeout=PATIENCE).response == 1
