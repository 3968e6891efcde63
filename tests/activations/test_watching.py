"""The stop queue: a message that aborts the work on another one."""

import asyncio
import time

from actorqueues import AbortController, Actor, Queue
from actorqueues.models import Message
from tests.fixtures.workers import PATIENCE, eventually


def assistant(stale="drop"):
    class Assistant(Actor):
        prompt = Queue(str, reply=str)
        stop = Queue(None, priority=10)

        async def run(self):
            async for message in self.prompt.iter(completable=True):
                async with self.watch(self.stop, stale=stale) as signal:
                    seen.append(message.body)
                    if message.body == "quick":
                        await self.stops_are_read(signal)
                    else:
                        await asyncio.wait([asyncio.create_task(signal.wait())], timeout=5)
                await message.complete("stopped" if signal.aborted else "done")

        async def stops_are_read(self, signal):
            give_up_at = time.monotonic() + PATIENCE
            while not signal.aborted and await Message.objects.filter(queue="stop").aexists():
                assert time.monotonic() < give_up_at
                await asyncio.sleep(0.01)

    seen = []
    return Assistant.get_or_create("x"), seen


def test_a_stop_during_a_prompt_aborts_it(start_worker):
    actor, seen = assistant()
    start_worker(sleep_after=0.02)  # it does not doze off meanwhile
    receipt = actor.send("prompt", "long", track=True)
    eventually(lambda: seen)
    time.sleep(0.1)
    actor.send("stop")
    assert actor.wait_for(receipt, timeout=PATIENCE).response == "stopped"
    eventually(lambda: not Message.objects.exists())


def test_a_stop_that_is_older_than_the_prompt_is_settled_unseen(start_worker):
    actor, _ = assistant()
    actor.send("stop")
    receipt = actor.send("prompt", "quick", track=True)
    start_worker()
    assert actor.wait_for(receipt, timeout=PATIENCE).response == "done"
    eventually(lambda: not Message.objects.exists())


def test_an_older_stop_aborts_too_if_stale_ones_fire(start_worker):
    actor, _ = assistant(stale="fire")
    actor.send("stop")
    receipt = actor.send("prompt", "quick", track=True)
    start_worker()
    assert actor.wait_for(receipt, timeout=PATIENCE).response == "stopped"


def test_a_stop_aborts_only_the_prompt_it_came_during(start_worker):
    actor, seen = assistant()
    start_worker()
    first = actor.send("prompt", "long", track=True)
    eventually(lambda: seen)
    actor.send("stop")
    assert actor.wait_for(first, timeout=PATIENCE).response == "stopped"
    assert actor.ask("prompt", "quick", timeout=PATIENCE) == "done"


def test_a_watcher_by_hand_with_a_second_task(start_worker):
    class ByHand(Actor):
        prompt = Queue(str, reply=str)
        stop = Queue(None)

        async def run(self):
            async for message in self.prompt.iter(completable=True):
                controller = AbortController()
                watcher = asyncio.create_task(self.watch_for(message, controller))
                seen.append(message.body)
                await asyncio.wait([asyncio.create_task(controller.signal.wait())], timeout=0.3)
                watcher.cancel()
                await message.complete("stopped" if controller.signal.aborted else "done")

        async def watch_for(self, message, controller):
            async for stop in self.stop.iter():
                if stop.sequence > message.sequence:
                    controller.abort("stop")

    seen = []
    actor = ByHand.get_or_create("x")
    actor.send("stop")
    receipt = actor.send("prompt", "older stop", track=True)
    start_worker(sleep_after=0.02)
    assert actor.wait_for(receipt, timeout=PATIENCE).response == "done"
    receipt = actor.send("prompt", "stopped", track=True)
    eventually(lambda: len(seen) == 2)
    time.sleep(0.05)
    actor.send("stop")
    assert actor.wait_for(receipt, timeout=PATIENCE).response == "stopped"


def test_a_receive_as_a_task_of_its_own_serves_as_a_stop_too(start_worker):
    class ByHand(Actor):
        prompt = Queue(str)
        stop = Queue(None)

        async def run(self):
            async for message in self.prompt.iter():  # settled by asking for more, not by the other receive
                stop = asyncio.create_task(self.stop.next())
                seen.append(await Message.objects.filter(queue="prompt").acount())
                await asyncio.wait([stop], timeout=5)
                seen.append(await Message.objects.filter(queue="prompt").acount())
                seen.append(message.body)

    seen = []
    actor = ByHand.get_or_create("x")
    start_worker()
    actor.send("prompt", "p")
    eventually(lambda: seen)
    actor.send("stop")
    eventually(lambda: len(seen) == 3)
    assert seen == [1, 1, "p"]


def test_the_end_of_the_actor_aborts_what_is_watched(start_worker):
    actor, seen = assistant()
    receipt = actor.send("prompt", "long", track=True)
    worker = start_worker()
    eventually(lambda: seen)
    worker.stop()
    assert actor.wait_for(receipt, timeout=0).response == "stopped"


def test_what_leaves_the_block_by_exception_stays_that_exception(start_worker):
    class Failing(Actor):
        prompt = Queue(str, max_attempts=1)
        stop = Queue(None)

        async def run(self):
            async for _ in self.prompt.iter():
                async with self.watch(self.stop):
                    raise RuntimeError("inside")

    start_worker()
    result = Failing.get_or_create("x").send("prompt", "p", wait=True, timeout=PATIENCE)
    assert "RuntimeError: inside" in result.error


def test_watching_a_queue_with_a_pending_message_is_refused(start_worker):
    class Confused(Actor):
        prompt = Queue(str, max_attempts=1)

        async def run(self):
            async for _ in self.prompt.iter(completable=True):
                async with self.watch(self.prompt):
                    await asyncio.sleep(0.02)

    start_worker()
    result = Confused.get_or_create("x").send("prompt", "p", wait=True, timeout=PATIENCE)
    assert "QueueMessagePending" in result.error
