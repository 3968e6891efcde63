"""What ``next``, ``next_batch``, ``try_next`` and ``iter`` give, and when they end."""

import asyncio
import time
from typing import Any

import pytest

from actorqueues import AbortController, AbortSignal, Actor, ActorAborted, Queue, UnknownQueue
from tests.fixtures.workers import eventually


def bodies(messages):
    return [message.body for message in messages]


def test_next_gives_a_message_with_its_name_and_body(result_of):
    async def run(self):
        message = await self.a.next()
        return message.name, message.body, message.key, message.attempt

    assert result_of(run, ("a", {"x": [1]})) == ("a", {"x": [1]}, ("puppet",), 1)


def test_next_waits_for_a_message_that_is_sent_later(puppet, start_worker):
    async def run(self):
        waiting.append(True)
        return (await self.a.next()).body

    waiting = []
    made = puppet(run)
    made.actor_class.create("puppet")
    start_worker()
    eventually(lambda: waiting)
    made.send(("a", 5))
    assert made.wait() == 5


def test_an_actor_sends_to_itself(result_of):
    async def run(self):
        await self.a.asend("to myself")
        return (await self.a.next()).body

    assert result_of(run) == "to myself"


def test_a_batch_of_named_queues_keeps_their_order(result_of):
    async def run(self):
        batch = await self.queue.next_batch("a", self.b, count=10)
        return [(message.name, message.body) for message in batch]

    assert result_of(run, ("a", 1), ("b", 2), ("c", 3)) == [("a", 1), ("b", 2)]


def test_a_batch_has_no_more_than_was_asked_for(result_of):
    async def run(self):
        return bodies(await self.a.next_batch(count=2)), bodies(await self.a.next_batch(count=2))

    assert result_of(run, ("a", 1), ("a", 2), ("a", 3)) == ([1, 2], [3])


def test_no_names_mean_all_queues(result_of):
    async def run(self):
        return [(await self.queue.next()).body for _ in range(3)]

    assert result_of(run, ("c", 1), ("a", 2), ("b", 3)) == [1, 2, 3]


def test_an_unknown_name_is_refused(result_of):
    async def run(self):
        with pytest.raises(UnknownQueue):
            await self.queue.next("nothing")
        return True

    assert result_of(run)


def test_next_gives_none_when_its_time_is_over(result_of):
    async def run(self):
        began = time.monotonic()
        return await self.a.next(timeout=0.05), time.monotonic() - began

    message, seconds = result_of(run, ("b", 1))
    assert message is None
    assert 0.04 < seconds < 2


def test_a_batch_is_empty_when_its_time_is_over(result_of):
    async def run(self):
        return await self.a.next_batch(count=3, timeout=0.05)

    assert result_of(run) == []


def test_try_next_does_not_wait(result_of):
    async def run(self):
        began = time.monotonic()
        tried = await self.b.try_next(), await self.queue.try_next("b"), await self.b.try_next_batch(count=2)
        return tried, time.monotonic() - began, (await self.a.try_next()).body

    tried, seconds, body = result_of(run, ("a", 1))
    assert tried == (None, None, [])
    assert seconds < 1
    assert body == 1


def test_a_timeout_of_zero_is_one_try_that_sees_what_is_stored(result_of):
    async def run(self):
        nothing = await self.b.next(timeout=0)
        await self.b.asend(2)  # committed, and no hint has been heard of it yet
        return nothing, (await self.b.next(timeout=0)).body

    assert result_of(run) == (None, 2)


def test_a_signal_that_is_aborted_already_ends_a_receive_although_there_is_mail(result_of):
    async def run(self):
        controller = AbortController()
        controller.abort("no more")
        with pytest.raises(ActorAborted, match="no more"):
            await self.a.next(signal=controller.signal)
        with pytest.raises(ActorAborted):
            await self.a.next(signal=controller.signal, timeout=0)
        return (await self.a.next()).body

    assert result_of(run, ("a", 1)) == 1


def test_a_signal_ends_a_receive_that_waits(result_of):
    async def run(self):
        controller = AbortController()
        asyncio.get_running_loop().call_later(0.02, controller.abort, "enough")
        with pytest.raises(ActorAborted, match="enough"):
            await self.a.next(signal=controller.signal)
        return True

    assert result_of(run)


def test_any_of_two_signals_ends_a_receive(result_of):
    async def run(self):
        one, other = AbortController(), AbortController()
        asyncio.get_running_loop().call_later(0.02, other.abort, "the other")
        with pytest.raises(ActorAborted, match="the other"):
            await self.a.next(signal=AbortSignal.any(one.signal, other.signal))
        return True

    assert result_of(run)


def test_a_signal_ends_iter_silently(result_of):
    async def run(self):
        controller, seen = AbortController(), []
        async for message in self.a.iter(signal=controller.signal):
            seen.append(message.body)
            if len(seen) == 2:
                controller.abort()
        return seen

    assert result_of(run, ("a", 1), ("a", 2), ("a", 3)) == [1, 2]


def test_a_queue_of_higher_priority_goes_first(result_of):
    async def run(self):
        single = (await self.queue.next()).body
        return [single, *bodies(await self.queue.next_batch("a", "urgent", count=10))]

    assert result_of(run, ("a", 1), ("urgent", 2), ("a", 3), ("urgent", 4)) == [2, 4, 1, 3]


def test_iter_ends_when_the_worker_stops(puppet, start_worker):
    async def run(self):
        async for message in self.a.iter():
            seen.append(message.body)
        return self.aborted

    seen = []
    made = puppet(run)
    made.send(("a", 1))
    worker = start_worker()
    eventually(lambda: seen)
    worker.stop()
    assert made.wait() is True


def test_a_loop_that_catches_the_abort_does_not_keep_the_worker(puppet, start_worker):
    async def run(self):
        began.append(True)
        while True:
            try:
                await self.a.next()
            except ActorAborted:
                continue

    began = []
    made = puppet(run)
    made.actor_class.create("puppet")
    worker = start_worker(grace=0.1)
    eventually(lambda: began)
    worker.stop()


def test_thirty_two_queues_of_four_messages_are_all_received(start_worker):

    names = [f"q{number}" for number in range(32)]
    seen = []

    async def run(self):
        async for message in self.queue.iter(completable=True):
            seen.append((message.name, message.body))
            await message.complete()

    queues = {name: Queue(Any) for name in names}
    Many = type("Many", (Actor,), {**queues, "run": run, "__module__": __name__})
    handle = Many.get_or_create("all")
    for number in range(4):
        for name in names:
            handle.send(name, number)
    start_worker()
    eventually(lambda: len(seen) == 128)
    for name in names:
        assert [body for queue, body in seen if queue == name] == [0, 1, 2, 3]


def test_a_message_says_where_it_comes_from(result_of, puppet, start_worker):
    async def run(self):
        first, second = await self.a.next_batch(count=2)
        return first, second

    made = puppet(run)
    receipt = made.handle.send("a", 1, headers={"x": "y"}, params={"page": "2"}, user="7", expires=60)
    made.handle.send("a", 2)
    start_worker()
    first, second = made.wait()
    assert first.id == receipt.id
    assert (first.headers, first.params, first.user_id) == ({"x": "y"}, {"page": "2"}, "7")
    assert (second.headers, second.params, second.user_id) == ({}, {}, None)
    assert first.sequence < second.sequence
    assert first.expires_at > first.enqueued_at
    assert second.expires_at is None
    assert (first.attempt, first.crashes) == (1, 0)
