"""Handlers: sync and async, replies, time limits, errors."""

import asyncio
import threading
import time
from typing import Any

import pytest
from pydantic import BaseModel

from actorqueues import (
    Actor,
    ActorAborted,
    Backoff,
    DeliveryEnded,
    MessageFailed,
    Queue,
    handler,
)
from actorqueues.exceptions import HandlerTimedOut
from actorqueues.models import Message
from tests.fixtures.workers import PATIENCE, eventually
from tests.playground.models import Ledger

QUICK = Backoff(first=0.02)


class Sum(BaseModel):
    total: int


def test_sync_and_async_handlers_reply_with_what_they_return(start_worker):
    class Adder(Actor):
        @handler
        def add(self, body: list[int]) -> Sum:
            return Sum(total=sum(body))

        @handler
        async def aadd(self, body: list[int]) -> Sum:
            return Sum(total=sum(body))

        @handler
        async def ping(self) -> str:
            return "pong"

    start_worker()
    adder = Adder.get_or_create("x")
    assert adder.ask(Adder.add, [1, 2], timeout=PATIENCE) == Sum(total=3)
    assert adder.ask(Adder.aadd, [1, 2], timeout=PATIENCE) == Sum(total=3)
    assert adder.ask(Adder.ping, timeout=PATIENCE) == "pong"


def test_a_reply_that_does_not_fit_is_a_failure(start_worker):
    class Liar(Actor):
        @handler(max_attempts=2, backoff=QUICK)
        async def count(self, body: int, message) -> int:
            self.state["told"] = message.attempt
            return "many" if message.attempt == 1 else body

    liar = Liar.get_or_create("x")
    start_worker()
    assert liar.ask("count", 3, timeout=PATIENCE) == 3
    assert liar.get_state() == {"told": 2}


def test_an_async_handler_over_its_time_gets_the_signal_first_and_is_cancelled_then(start_worker):
    order = []

    class Slow(Actor):
        @handler(timeout=0.05, max_attempts=1)
        async def work(self, body: int, message) -> None:
            message.signal.add_callback(lambda: order.append("signal"))
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                order.append("cancelled")
                raise

    start_worker()
    with pytest.raises(MessageFailed, match=r"0\.05"):
        Slow.get_or_create("x").ask("work", 1, timeout=PATIENCE)
    assert order == ["signal", "cancelled"]


def test_what_a_handler_does_with_the_signal_does_not_save_it(start_worker):
    class Slow(Actor):
        @handler(timeout=0.05, backoff=QUICK)
        async def work(self, body: int, message) -> int:
            if message.attempt == 1:
                await message.signal.wait()
                return -1
            if message.attempt == 2:
                await message.signal.wait()
                message.signal.raise_if_aborted()
            return message.attempt

        async def on_error(self, error):
            errors.append(type(error))

    errors = []
    start_worker()
    assert Slow.get_or_create("x").ask("work", 1, timeout=PATIENCE) == 3
    assert errors == [HandlerTimedOut, HandlerTimedOut]


def test_a_sync_handler_over_its_time_can_do_no_more_and_its_actor_waits_for_its_thread(
    start_worker, backend
):
    seen, ended = [], threading.Event()

    class Slow(Actor):
        @handler(timeout=0.05, backoff=QUICK)
        def work(self, body: int, message) -> int:
            if message.attempt == 1:
                while not message._delivery.is_dead:
                    time.sleep(0.005)
                seen.extend(refusals(message))
                time.sleep(0.1)
                ended.set()
            assert ended.is_set()
            return message.attempt

    def refusals(message):
        for operation in (
            lambda: Ledger.objects.create(actor_key="late", message_id=message.id),
            lambda: Ledger.objects.count(),
            lambda: Other.get_or_create("y").send("work", 2),
            lambda: message.progress(1),
        ):
            try:
                operation()
            except DeliveryEnded:
                yield "refused"
            else:
                yield "done"

    class Other(Actor):
        @handler
        async def work(self, body: int) -> int:
            return body

    start_worker()
    slow = Slow.get_or_create("x")
    receipt = slow.send("work", 1, track=True)
    assert Other.get_or_create("y").ask("work", 1, timeout=PATIENCE) == 1  # others go on
    assert slow.wait_for(receipt, timeout=PATIENCE).response == 2
    assert seen == ["refused"] * 4
    assert not Ledger.objects.exists()


def test_waiting_for_a_lane_is_not_a_handlers_fault(start_worker):
    class Queueing(Actor):
        @handler(timeout=1.0, max_attempts=1)
        def work(self, body: int) -> int:
            time.sleep(0.6)  # those behind it wait for longer than they may take
            return body

    handles = [Queueing.get_or_create(number) for number in range(4)]
    receipts = [handle.send("work", 1, track=True) for handle in handles]
    start_worker(lanes=1)
    for handle, receipt in zip(handles, receipts, strict=True):
        assert handle.wait_for(receipt, timeout=PATIENCE).status == "completed"


def test_on_error_is_called_after_the_state_went_back(start_worker):
    class Failing(Actor):
        @handler(max_attempts=1)
        async def work(self, body: int) -> None:
            self.state["changed"] = True
            raise RuntimeError("broken")

        def on_error(self, error):
            errors.append((str(error), dict(self.state)))

    errors = []
    start_worker()
    assert Failing.get_or_create("x").send("work", 1, wait=True, timeout=PATIENCE).status == "failed"
    assert eventually(lambda: errors) == [("broken", {})]


def test_an_on_error_that_fails_itself_changes_nothing(start_worker):
    class Failing(Actor):
        @handler(backoff=QUICK)
        async def work(self, body: int, message) -> int:
            if message.attempt == 1:
                raise RuntimeError("broken")
            return message.attempt

        def on_error(self, error):
            raise RuntimeError("this too")

    start_worker()
    assert Failing.get_or_create("x").ask("work", 1, timeout=PATIENCE) == 2


def test_a_stop_lets_a_handler_finish_in_its_grace(start_worker):
    class Slow(Actor):
        @handler
        async def work(self, body: int) -> int:
            began.append(True)
            await asyncio.sleep(0.1)
            return body

    began = []
    slow = Slow.get_or_create("x")
    receipt = slow.send("work", 1, track=True)
    worker = start_worker(grace=5)
    eventually(lambda: began)
    worker.stop()
    assert slow.wait_for(receipt, timeout=0).response == 1


@pytest.mark.parametrize("how", ["heeds the signal", "is cancelled"])
def test_a_graceful_stop_is_no_attempt(start_worker, how):
    class Slow(Actor):
        @handler
        async def work(self, body: int, message) -> int:
            attempts.append(message.attempt)
            if len(attempts) == 1:
                if how == "heeds the signal":
                    await message.signal.wait()
                    raise ActorAborted()
                await asyncio.sleep(5)
            return message.attempt

    attempts = []
    slow = Slow.get_or_create("x")
    receipt = slow.send("work", 1, track=True)
    worker = start_worker(grace=0.1)
    eventually(lambda: attempts)
    worker.stop()
    row = Message.objects.get()
    assert (row.failures, row.crashes, row.started_at) == (0, 0, None)
    start_worker()
    assert slow.wait_for(receipt, timeout=PATIENCE).response == 1


def test_handlers_and_a_run_of_ones_own_go_together(start_worker):
    class Both(Actor):
        a = Queue(Any)

        @handler
        async def work(self, body: int) -> int:
            return body

        async def run(self):
            serving = asyncio.create_task(self.serve_handlers())
            async for message in self.a.iter(completable=True):
                await message.complete()
            await serving

    start_worker()
    both = Both.get_or_create("x")
    assert both.ask("work", 3, timeout=PATIENCE) == 3
    assert both.send("a", 1, wait=True, timeout=PATIENCE).status == "completed"
