"""When a received message is settled, and what must be completed before more is given."""

import asyncio

import pytest

from actorqueues import (
    Actor,
    Backoff,
    Queue,
    QueueAlreadyCompleted,
    QueueCompleteNotAllowed,
    QueueMessagePending,
    ReplyInvalid,
)
from actorqueues.client.results import Completed
from actorqueues.mailbox import settling
from actorqueues.models import Message
from tests.fixtures.workers import PATIENCE


def test_complete_answers_the_sender(start_worker):
    class Echo(Actor):
        say = Queue(str, reply=str)

        async def run(self):
            async for message in self.say.iter(completable=True):
                await message.complete(message.body.upper())

    start_worker()
    result = Echo.get_or_create("x").send(Echo.say, "hello", wait=True, timeout=PATIENCE)
    assert (result.status, result.response, result.error) == ("completed", "HELLO", None)


def test_a_message_that_nobody_completes_times_out_for_its_sender(puppet, start_worker):
    async def run(self):
        await self.b.next()

    made = puppet(run)
    start_worker()
    result = made.handle.send("a", 1, wait=True, timeout=0.1)
    assert (result.status, result.response) == ("timed_out", None)


def test_what_complete_did_is_durable_when_it_returns(puppet, start_worker, backend):
    async def run(self):
        message = await self.a.next(completable=True)
        there = await Message.objects.filter(uid=message.uid).aexists()
        await message.complete()
        return there, await Message.objects.filter(uid=message.uid).aexists()

    made = puppet(run)
    made.send(("a", 1))
    start_worker()
    assert made.wait() == (True, False)


def test_a_second_complete_is_refused(result_of):
    async def run(self):
        message = await self.a.next(completable=True)
        await message.complete()
        with pytest.raises(QueueAlreadyCompleted):
            await message.complete()
        return True

    assert result_of(run, ("a", 1))


def test_complete_is_refused_for_a_message_that_is_not_completable(result_of):
    async def run(self):
        message = await self.a.next()
        with pytest.raises(QueueCompleteNotAllowed):
            await message.complete()
        return True

    assert result_of(run, ("a", 1))


def test_a_reply_that_does_not_fit_leaves_the_message_to_be_completed(start_worker):
    class Strict(Actor):
        count = Queue(int, reply=int)

        async def run(self):
            async for message in self.count.iter(completable=True):
                with pytest.raises(ReplyInvalid):
                    await message.complete("many")
                with pytest.raises(ReplyInvalid):
                    await message.complete()
                await message.complete(message.body)

    start_worker()
    assert Strict.get_or_create("x").ask(Strict.count, 3, timeout=PATIENCE) == 3


def test_next_on_a_queue_with_a_pending_message_is_refused(result_of):
    async def run(self):
        await self.a.next(completable=True)
        with pytest.raises(QueueMessagePending):
            await self.a.next()
        with pytest.raises(QueueMessagePending):
            await self.queue.next("b", "a")
        with pytest.raises(QueueMessagePending):
            await self.a.try_next()
        return True

    assert result_of(run, ("a", 1), ("a", 2))


def test_next_is_refused_from_another_task_too(result_of):
    async def run(self):
        async def other():
            with pytest.raises(QueueMessagePending):
                await self.a.next()
            return True

        await self.a.next(completable=True)
        return await asyncio.create_task(other())

    assert result_of(run, ("a", 1), ("a", 2))


def test_other_queues_stay_readable_while_a_message_is_pending(result_of):
    async def run(self):
        message = await self.a.next(completable=True)
        other = await self.b.next()
        await message.complete()
        return other.body, (await self.a.next()).body

    assert result_of(run, ("a", 1), ("b", 2), ("a", 3)) == (2, 3)


def test_a_receive_over_no_names_skips_a_pending_queue(result_of):
    async def run(self):
        await self.a.next(completable=True)
        return (await self.queue.next()).body, await self.queue.try_next()

    assert result_of(run, ("a", 1), ("a", 2), ("b", 3)) == (3, None)


def test_a_message_is_settled_when_its_task_asks_for_more_of_any_queue(puppet, start_worker):
    async def run(self):
        await self.a.next()
        await go_on.wait()
        await self.b.next()

    go_on = asyncio.Event()
    made = puppet(run)
    worker = start_worker()
    receipt = made.handle.send("a", 1, track=True)
    early = made.handle.wait_for(receipt, timeout=0.1)
    worker.worker.loop.call_soon_threadsafe(go_on.set)
    assert early.status == "timed_out"
    assert made.handle.wait_for(receipt, timeout=PATIENCE) == Completed(receipt.id, None)


def test_a_waiting_sender_gets_completed_without_a_response(puppet, start_worker):
    async def run(self):
        async for _ in self.a.iter():
            pass

    made = puppet(run)
    start_worker()
    result = made.handle.send("a", 1, wait=True, timeout=PATIENCE)
    assert (result.status, result.response) == ("completed", None)


def test_a_message_is_settled_when_run_returns(puppet, start_worker):
    async def run(self):
        await self.a.next()

    made = puppet(run)
    start_worker()
    assert made.handle.send("a", 1, wait=True, timeout=PATIENCE).status == "completed"


def test_a_second_task_waits_for_the_unsettled_message_of_a_queue(result_of):
    async def run(self):
        order = []

        async def other():
            order.append((await self.a.next()).body)

        order.append((await self.a.next()).body)
        task = asyncio.create_task(other())
        await asyncio.sleep(0.05)
        order.append("handled")
        await self.b.next()  # settles the first
        await task
        return order

    assert result_of(run, ("a", 1), ("a", 2), ("b", 3)) == [1, "handled", 2]


def test_a_message_in_flight_for_long_is_warned_about_once(puppet, start_worker, monkeypatch, caplog):
    monkeypatch.setattr(settling, "PENDING_WARNING_AFTER", 0.03)

    async def run(self):
        message = await self.a.next(completable=True)
        await asyncio.sleep(0.12)
        await message.complete()
        quick = await self.a.next(completable=True)
        await quick.complete()
        await asyncio.sleep(0.06)

    made = puppet(run)
    first, _ = made.send(("a", 1), ("a", 2))
    start_worker()
    made.wait()
    warnings = [record.getMessage() for record in caplog.records if "is pending" in record.getMessage()]
    assert len(warnings) == 1
    assert first.id in warnings[0]


def test_break_out_of_iter_settles_nothing_until_the_task_asks_again(puppet, start_worker):
    async def run(self):
        async for _ in self.a.iter():
            break
        seen.append(await Message.objects.acount())
        await self.b.next()
        await self.save_state()
        seen.append(await Message.objects.acount())

    seen = []
    made = puppet(run)
    made.send(("a", 1), ("b", 2))
    start_worker()
    made.wait()
    assert seen == [2, 1]


def test_a_message_that_run_left_uncompleted_comes_again(start_worker, quick_restarts):
    attempts = []

    class Forgetful(Actor):
        a = Queue(int, backoff=Backoff(first=0.02))

        async def run(self):
            message = await self.a.next(completable=True)
            attempts.append(message.attempt)
            if message.attempt == 2:
                await message.complete()

    handle = Forgetful.get_or_create("x")
    start_worker()
    assert handle.send("a", 1, wait=True, timeout=PATIENCE).status == "completed"
    assert attempts == [1, 2]
