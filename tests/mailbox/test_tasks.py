"""To which task a message belongs, and what becomes of it when that task ends."""

import asyncio
from typing import Any

import pytest

from actorqueues import Actor, Backoff, Queue, current_message
from actorqueues.models import Message
from tests.fixtures.workers import PATIENCE, eventually


async def stored(queue):
    return [
        body
        async for body in Message.objects.filter(queue=queue).order_by("id").values_list("body", flat=True)
    ]


def test_wait_for_delivers_to_the_task_that_waits(result_of):
    async def run(self):
        message = await asyncio.wait_for(self.a.next(), 5)
        await asyncio.sleep(0.02)  # time for a settlement that would be too early
        return message.body, current_message() is message, await stored("a")

    assert result_of(run, ("a", 1)) == (1, True, ["1"])


def test_a_task_that_is_nothing_but_a_receive_delivers_to_its_creator(result_of):
    async def run(self):
        message = await asyncio.create_task(self.a.next())
        await asyncio.sleep(0.02)
        there = await stored("a")
        await self.b.try_next()
        await self.save_state()
        return message.body, there, await stored("a")

    assert result_of(run, ("a", 1)) == (1, ["1"], [])


def test_a_task_that_is_nothing_but_a_receive_settles_only_what_it_names(result_of):
    async def run(self):
        await self.a.next()
        other = await asyncio.create_task(self.b.next())
        await asyncio.sleep(0.02)
        kept = await stored("a")
        second = await asyncio.create_task(self.a.next())
        await self.save_state()
        return other.body, kept, second.body, await stored("a")

    assert result_of(run, ("a", 1), ("b", 2), ("a", 3)) == (2, ["1", "3"], 3, ["3"])


def test_a_receive_that_is_cancelled_leaves_the_message_to_the_next_one(puppet, start_worker):
    async def run(self):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.a.next(), 0.05)
        waiting.append(True)
        return (await self.a.next()).body

    waiting = []
    made = puppet(run)
    made.actor_class.create("puppet")
    start_worker()
    eventually(lambda: waiting)
    made.send(("a", 1))
    assert made.wait() == 1


def test_receives_that_are_cancelled_again_and_again_lose_and_repeat_nothing(start_worker):
    seen = []

    class Impatient(Actor):
        a = Queue(int)

        async def run(self):
            wait = 0.0
            while not self.aborted:
                wait = (wait + 0.0003) % 0.004
                task = asyncio.create_task(self.a.next(completable=True))
                await asyncio.sleep(wait)
                task.cancel()
                await asyncio.wait([task])
                if not task.cancelled() and task.exception() is None:
                    message = task.result()
                    seen.append((message.body, message.attempt))
                    await message.complete()

    Impatient.get_or_create("x").send_many("a", list(range(20)))
    start_worker()
    eventually(lambda: len(seen) == 20)
    assert seen == [(number, 1) for number in range(20)]


class Attempts(list):
    def actor(self, end):
        attempts = self

        class Ending(Actor):
            a = Queue(Any, backoff=Backoff(first=0.02))

            async def run(self):
                async def receive():
                    message = await self.a.next(completable=True)
                    attempts.append(message.attempt)
                    if len(attempts) == 1:
                        await end()
                    await message.complete()

                while not self.aborted:
                    await asyncio.wait([asyncio.create_task(receive())])

        return Ending.get_or_create("x")


def test_a_task_that_ends_by_exception_fails_its_delivery(start_worker):
    async def end():
        raise RuntimeError("broken")

    attempts = Attempts()
    handle = attempts.actor(end)
    start_worker()
    assert handle.send("a", 1, wait=True, timeout=PATIENCE).status == "completed"
    assert attempts == [1, 2]


def test_a_task_that_ends_by_cancellation_returns_its_delivery_uncounted(start_worker):
    async def end():
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    attempts = Attempts()
    handle = attempts.actor(end)
    start_worker()
    assert handle.send("a", 1, wait=True, timeout=PATIENCE).status == "completed"
    assert attempts == [1, 1]


def test_a_task_that_returns_settles_what_it_received(result_of):
    async def run(self):
        async def receive():
            return (await self.a.next()).body

        seen = [await asyncio.create_task(receive()), await asyncio.create_task(receive())]
        await self.save_state()
        return seen, await stored("a")

    assert result_of(run, ("a", 1), ("a", 2)) == ([1, 2], [])


def test_what_a_task_sends_goes_with_the_message_its_creator_has_in_hand(result_of):
    async def run(self):
        async def send():
            await self.b.asend("from a task")

        await self.a.next()
        await asyncio.create_task(send())
        await asyncio.sleep(0.02)
        before = await stored("b")
        await self.c.try_next()
        await self.save_state()
        return before, await stored("b")

    assert result_of(run, ("a", 1)) == ([], ['"from a task"'])


def test_a_leaked_task_ends_with_its_run_and_costs_only_its_own_actor(start_worker):
    ended, handled = [], []

    class Leaky(Actor):
        a = Queue(Any)

        async def run(self):
            async def leak():
                try:
                    await asyncio.sleep(3600)
                finally:
                    ended.append(True)

            made.append(asyncio.create_task(leak()))
            await self.a.next()
            raise RuntimeError("gone, and the task forgotten")

    class Steady(Actor):
        a = Queue(Any)

        async def run(self):
            async for message in self.a.iter():
                handled.append(message.body)

    made = []
    Leaky.get_or_create("x").send("a", 1)
    start_worker()
    eventually(lambda: ended)
    Steady.get_or_create("y").send("a", 2)
    eventually(lambda: handled)
