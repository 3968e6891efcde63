"""What is sent while a message is handled leaves with it."""

import asyncio
from typing import Any

import pytest

from actorqueues import Actor, Backoff, OperationRefused, Queue, WaitInTransaction, WaitOnSelf, handler
from actorqueues.models import Message
from tests.fixtures.workers import PATIENCE, eventually

QUICK = Backoff(first=0.02)


def sink():
    class Sink(Actor):
        """Nobody reads it: what was sent to it stays there."""

        a = Queue(Any)

        async def run(self):
            await self.abort_signal.wait()

    return Sink


def in_sink():
    rows = Message.objects.filter(queue="a").order_by("id")
    return [row.body for row in rows]


@pytest.mark.parametrize("kind", ["synchronous", "asynchronous"])
def test_sends_commit_with_the_delivery_and_vanish_with_a_failed_attempt(start_worker, kind):
    Sink = sink()

    class Sender(Actor):
        @handler(backoff=QUICK)
        async def asynchronous(self, body: int, message) -> None:
            await Sink.get_or_create("s").asend("a", message.attempt)
            await asyncio.sleep(0.02)
            seen.append(await asyncio.to_thread(peek))
            if message.attempt == 1:
                raise RuntimeError("again")

        @handler(backoff=QUICK)
        def synchronous(self, body: int, message) -> None:
            Sink.get_or_create("s").send("a", message.attempt)
            seen.append(in_sink())
            if message.attempt == 1:
                raise RuntimeError("again")

    def peek():
        from django.db import connections

        try:
            return in_sink()
        finally:
            connections.close_all()

    seen = []
    start_worker(grace=0.1)
    Sender.get_or_create("x").ask(kind, 1, timeout=PATIENCE)
    assert seen == [[], []]
    assert in_sink() == ["2"]


def test_sends_go_with_complete_of_the_first_message_of_a_batch(start_worker):
    Sink = sink()

    class Batcher(Actor):
        b = Queue(int)

        async def run(self):
            first, second = await self.b.next_batch(count=2, completable=True)
            await Sink.get_or_create("s").asend("a", "of both")
            await first.complete()
            sent.append(await Message.objects.filter(queue="a").acount())
            await second.complete()

    sent = []
    Batcher.get_or_create("x").send_many("b", [1, 2])
    start_worker(grace=0.1)
    assert eventually(lambda: sent) == [1]


def test_a_send_with_now_leaves_at_once_and_only_once_over_attempts(start_worker):
    Sink = sink()

    class Sender(Actor):
        @handler(backoff=QUICK)
        async def work(self, body: int, message) -> None:
            await Sink.get_or_create("s").asend("a", "now", now=True)
            if message.attempt < 3:
                raise RuntimeError("again")

    start_worker(grace=0.1)
    Sender.get_or_create("x").ask("work", 1, timeout=PATIENCE)
    assert in_sink() == ['"now"']


def test_the_user_travels_from_message_to_message(start_worker):
    class Second(Actor):
        @handler
        async def work(self, body: int, message) -> None:
            users.append(message.user_id)

    class First(Actor):
        @handler
        def work(self, body: int) -> None:
            Second.get_or_create("y").send("work", body)

    users = []
    start_worker()
    First.get_or_create("x").send("work", 1, user="7")
    assert eventually(lambda: users) == ["7"]


def test_one_actor_asks_another(start_worker):
    class Square(Actor):
        @handler
        async def of(self, body: int) -> int:
            return body * body

    class Sum(Actor):
        @handler
        async def squares(self, body: list[int]) -> int:
            return sum([await Square.get_or_create(number).aask("of", number) for number in body])

        @handler
        def squares_in_a_thread(self, body: list[int]) -> int:
            return sum(Square.get_or_create(number).ask("of", number) for number in body)

    start_worker()
    assert Sum.get_or_create("x").ask("squares", [1, 2, 3], timeout=PATIENCE) == 14
    assert Sum.get_or_create("x").ask("squares_in_a_thread", [1, 2, 3], timeout=PATIENCE) == 14


def test_an_actor_that_would_wait_for_itself_is_told_so_with_the_chain(start_worker):
    class Selfish(Actor):
        @handler
        async def work(self, body: int) -> str:
            with pytest.raises(WaitOnSelf) as caught:
                await Selfish.get_or_create("x").aask("work", body)
            return str(caught.value)

    start_worker()
    assert "selfish/x → selfish/x" in Selfish.get_or_create("x").ask("work", 1, timeout=PATIENCE)


def test_waiting_for_oneself_round_a_chain_is_refused_too(start_worker):
    class Ring(Actor):
        @handler
        def pass_on(self, body: list[str]) -> str:
            following = Ring.get_or_create(body[0])
            try:
                return following.ask("pass_on", body[1:])
            except WaitOnSelf as error:
                return str(error)

    start_worker()
    answer = Ring.get_or_create("a").ask("pass_on", ["b", "c", "a"], timeout=PATIENCE)
    assert "ring/a → ring/b → ring/c → ring/a" in answer


def test_waiting_for_a_message_of_this_delivery_is_refused(start_worker):
    Sink = sink()

    class Sender(Actor):
        @handler
        async def work(self, body: int) -> bool:
            handle = Sink.get_or_create("s")
            receipt = await handle.asend("a", 1, track=True)
            assert receipt.deduplicated is None
            with pytest.raises(WaitInTransaction):
                await handle.await_for(receipt)
            return True

    start_worker(grace=0.1)
    assert Sender.get_or_create("x").ask("work", 1, timeout=PATIENCE)


def test_handlers_that_wait_on_every_lane_at_once_do_not_lock_each_other_out(start_worker):
    class Deep(Actor):
        @handler
        def work(self, body: int) -> int:
            return 1 if body == 0 else 1 + Deep.get_or_create((self.key[0], body)).ask("work", body - 1)

    handles = [Deep.get_or_create(f"top{number}") for number in range(4)]
    receipts = [handle.send("work", 5, track=True) for handle in handles]
    start_worker(lanes=2)
    results = [
        handle.wait_for(receipt, timeout=PATIENCE) for handle, receipt in zip(handles, receipts, strict=True)
    ]
    assert [result.response for result in results] == [6] * 4


def test_thirty_two_actors_of_four_queues_work_at_once(start_worker):
    class Many(Actor):
        a, b, c, d = Queue(int), Queue(int), Queue(int), Queue(int)

        async def run(self):
            async for message in self.queue.iter():
                seen.append((self.key[0], message.name, message.body))

    seen = []
    for number in range(32):
        handle = Many.get_or_create(number)
        for queue in "abcd":
            handle.send(queue, number)
    start_worker()
    eventually(lambda: len(seen) == 128)
    assert len(set(seen)) == 128


def test_an_open_atomic_block_cannot_be_opened_twice(start_worker):
    class Twice(Actor):
        @handler(atomic=True)
        def work(self, body: int, message) -> bool:
            with pytest.raises(OperationRefused), message.atomic():
                pass
            return True

    start_worker()
    assert Twice.get_or_create("x").ask("work", 1, timeout=PATIENCE)
