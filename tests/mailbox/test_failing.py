"""Failed attempts: backoff, order, dead letters."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from actorqueues import Actor, Backoff, DeliveryEnded, MessageFailed, Queue, Reject, handler
from actorqueues.models import Message
from tests.fixtures.workers import PATIENCE, eventually

QUICK = Backoff(first=0.03, factor=2)


def test_attempts_come_after_growing_waits(start_worker):
    times = []

    class Failing(Actor):
        @handler(backoff=Backoff(first=0.05, factor=2))
        async def work(self, body: int) -> int:
            times.append(time.monotonic())
            if len(times) < 4:
                raise RuntimeError("not yet")
            return body

    start_worker()
    assert Failing.get_or_create("x").ask("work", 7, timeout=PATIENCE) == 7
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[0] >= 0.05
    assert waits[1] >= 0.1
    assert waits[2] >= 0.2
    assert waits[2] < 2


def test_the_waits_are_one_two_and_four_seconds_unless_the_queue_says_otherwise(start_worker):
    class Failing(Actor):
        @handler
        async def work(self, body: int) -> None:
            raise RuntimeError("never")

    start_worker()
    Failing.get_or_create("x").send("work", 1)
    row = eventually(lambda: Message.objects.filter(failures=1, started_at=None).first())
    seconds = (row.retry_at - row.enqueued_at).total_seconds()
    assert 1 <= seconds < 2
    assert [Failing.work.backoff.delay(failures) for failures in (1, 2, 3, 20)] == [1, 2, 4, 300]


def test_a_queue_waits_for_its_failing_head_and_others_go_on(start_worker):
    seen = []

    class Failing(Actor):
        a = Queue(int, backoff=Backoff(first=0.2))
        b = Queue(int)

        async def run(self):
            async for message in self.queue.iter(completable=True):
                seen.append((message.name, message.body, message.attempt))
                if message.body == 1 and message.attempt == 1:
                    await message.fail("not now")
                else:
                    await message.complete()

    handle = Failing.get_or_create("x")
    for queue, body in (("a", 1), ("a", 2), ("b", 3), ("b", 4)):
        handle.send(queue, body)
    start_worker()
    eventually(lambda: len(seen) == 5)
    assert seen == [("a", 1, 1), ("b", 3, 1), ("b", 4, 1), ("a", 1, 2), ("a", 2, 1)]


def test_a_failing_head_keeps_its_place_when_run_raises(start_worker):
    seen = []

    class Failing(Actor):
        a = Queue(int, backoff=QUICK)

        async def run(self):
            async for message in self.a.iter():
                seen.append((message.body, message.attempt))
                if message.body == 1 and message.attempt < 3:
                    raise RuntimeError("not now")

    Failing.get_or_create("x").send_many("a", [1, 2, 3])
    start_worker()
    eventually(lambda: len(seen) == 5)
    assert seen == [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]


def test_the_last_attempt_makes_a_dead_letter_with_its_error(start_worker):
    class Failing(Actor):
        @handler(max_attempts=2, backoff=QUICK)
        async def work(self, body: int) -> None:
            raise RuntimeError(f"cannot do {body}")

    handle = Failing.get_or_create("x")
    start_worker()
    with pytest.raises(MessageFailed, match="cannot do 5"):
        handle.ask("work", 5, timeout=PATIENCE)
    (letter,) = handle.dead_letters()
    assert (letter.queue, letter.body, letter.reason, letter.failures) == ("work", 5, "exhausted", 2)
    assert "RuntimeError: cannot do 5" in letter.error


def test_a_sender_that_times_out_is_told_the_last_error(start_worker):
    class Failing(Actor):
        @handler
        async def work(self, body: int) -> None:
            raise RuntimeError("no luck")

    start_worker()
    result = Failing.get_or_create("x").send("work", 5, wait=True, timeout=2)
    assert result.status == "timed_out"
    assert "no luck" in result.error


def test_reject_is_final(start_worker):
    class Picky(Actor):
        @handler
        async def work(self, body: int) -> int:
            if body < 0:
                raise Reject("negative")
            return body

    handle = Picky.get_or_create("x")
    start_worker()
    with pytest.raises(MessageFailed, match="negative"):
        handle.ask("work", -1, timeout=PATIENCE)
    assert handle.ask("work", 1, timeout=PATIENCE) == 1
    assert [letter.reason for letter in handle.dead_letters()] == ["rejected"]


def test_reject_is_final_in_a_run_of_ones_own_too(start_worker):
    seen = []

    class Picky(Actor):
        a = Queue(int)

        async def run(self):
            async for message in self.a.iter():
                seen.append(message.body)
                if message.body == 1:
                    raise Reject("not one")

    handle = Picky.get_or_create("x")
    start_worker()
    assert handle.send("a", 1, wait=True, timeout=PATIENCE).error == "not one"
    assert handle.send("a", 2, wait=True, timeout=PATIENCE).status == "completed"
    assert seen == [1, 2]


class Undecided(Actor):
    """Does with a message what its body says."""

    abstract = True
    a = Queue(Any, backoff=QUICK, max_attempts=3)

    async def run(self):
        async for message in self.a.iter(completable=True):
            self.state.setdefault("attempts", []).append(message.attempt)
            await self.save_state()
            if message.body == "fail":
                await message.fail("by hand")
            elif message.body == "retry":
                await message.retry(0.01)
            elif message.body == "dead_letter":
                await message.dead_letter("unwanted")


@pytest.fixture
def undecided():
    class Decided(Undecided):
        pass

    return Decided.get_or_create("x")


@pytest.mark.parametrize(
    ("what", "attempts", "reason", "error"),
    [
        ("fail", [1, 2, 3], "exhausted", "by hand"),
        ("retry", [1, 2, 3], "exhausted", "the handler asked for another attempt"),
        ("dead_letter", [1], "rejected", "unwanted"),
    ],
)
def test_a_message_is_failed_retried_or_given_up_by_hand(
    undecided, start_worker, what, attempts, reason, error
):
    start_worker()
    result = undecided.send("a", what, wait=True, timeout=PATIENCE)
    assert (result.status, result.error) == ("failed", error)
    assert undecided.get_state() == {"attempts": attempts}
    assert [letter.reason for letter in undecided.dead_letters()] == [reason]


def test_a_message_that_was_given_up_can_do_no_more(result_of):
    async def run(self):
        message = await self.a.next(completable=True)
        await message.dead_letter("enough")
        for operation in (message.fail, message.dead_letter):
            with pytest.raises(DeliveryEnded):
                await operation("again")
        return True

    assert result_of(run, ("a", 1))


def test_a_dead_letter_can_be_replayed(start_worker):
    broken = [True]

    class Fixed(Actor):
        @handler(max_attempts=1)
        async def work(self, body: int) -> int:
            if broken:
                raise RuntimeError("broken")
            return body

    handle = Fixed.get_or_create("x")
    start_worker()
    result = handle.send("work", 5, wait=True, timeout=PATIENCE)
    assert result.status == "failed"
    broken.clear()
    assert handle.replay() == [result.id]
    assert handle.wait_for(result.id, timeout=PATIENCE).response == 5


def test_a_stored_message_that_no_longer_fits_becomes_a_dead_letter(start_worker):
    seen = []

    class Changed(Actor):
        a = Queue(int)

        async def run(self):
            async for message in self.a.iter():
                seen.append(message.body)

    handle = Changed.get_or_create("x")
    handle.send("a", 1)
    handle.send("a", 2)
    Message.objects.filter(body="1").update(body='"was a text once"')
    start_worker()
    eventually(lambda: seen)
    assert seen == [2]
    (letter,) = eventually(handle.dead_letters)
    assert (letter.reason, letter.body) == ("invalid", "was a text once")


def test_a_message_that_expired_before_its_first_start_is_not_started(start_worker):
    seen = []

    class Late(Actor):
        a = Queue(int)

        async def run(self):
            async for message in self.a.iter():
                seen.append(message.body)

    handle = Late.get_or_create("x")
    receipt = handle.send("a", 1, expires=0.01, track=True)
    handle.send("a", 2, expires=60)
    time.sleep(0.02)
    start_worker()
    result = handle.wait_for(receipt, timeout=PATIENCE)
    assert result.status == "failed"
    assert "expired" in result.error
    assert eventually(lambda: seen) == [2]
    assert [letter.reason for letter in handle.dead_letters()] == ["expired"]


def test_an_attempt_that_has_begun_in_time_is_retried_after_its_expiry(start_worker):
    class Late(Actor):
        @handler
        async def work(self, body: None, message) -> int:
            if message.expires_at and message.attempt == 1:
                while timezone.now() < message.expires_at:
                    await asyncio.sleep(0.05)
                raise RuntimeError("once")
            return message.attempt

    start_worker()
    handle = Late.get_or_create("x")
    assert handle.ask("work", timeout=PATIENCE) == 1  # awake, the actor begins the next one at once
    assert handle.ask("work", expires=3, timeout=PATIENCE) == 2


def test_a_message_cancelled_before_its_start_is_not_delivered(start_worker):
    seen = []

    class Slow(Actor):
        a = Queue(int)

        async def run(self):
            async for message in self.a.iter(completable=True):
                seen.append(message.body)
                await go_on.wait()
                await message.complete()

    go_on = asyncio.Event()
    handle = Slow.get_or_create("x")
    receipts = [handle.send("a", number, track=True) for number in range(4)]
    worker = start_worker()
    eventually(lambda: seen)
    assert handle.cancel(receipts[1])  # it is in memory already
    worker.worker.loop.call_soon_threadsafe(go_on.set)
    assert handle.wait_for(receipts[3], timeout=PATIENCE).status == "completed"
    assert seen == [0, 2, 3]


def test_an_actor_that_ran_ahead_of_a_refused_step_starts_anew_and_counts_nobodys_attempt(start_worker):
    seen = []

    class Ahead(Actor):
        a = Queue(int)

        async def run(self):
            async for message in self.a.iter():
                seen.append((message.body, message.attempt))
                self.state[str(message.body)] = message.attempt
                if message.body == 0:
                    await go_on.wait()

    go_on = asyncio.Event()
    handle = Ahead.get_or_create("x")
    receipts = [handle.send("a", number, track=True) for number in range(4)]
    worker = start_worker()
    eventually(lambda: seen)
    assert handle.cancel(receipts[1])  # 0 settles by returning: 1 does not wait for its start mark
    worker.worker.loop.call_soon_threadsafe(go_on.set)
    assert handle.wait_for(receipts[3], timeout=PATIENCE).status == "completed"
    assert [one for one in seen if one[0] != 1][-2:] == [(2, 1), (3, 1)]
    assert handle.get_state() == {"0": 1, "2": 1, "3": 1}


def test_an_error_that_no_database_can_hold_is_still_a_failed_attempt(start_worker):
    attempts = []

    class Failing(Actor):
        @handler(backoff=QUICK, max_attempts=3)
        async def work(self, body: int) -> int:
            attempts.append(body)
            raise RuntimeError("nul \x00 and half a pair \ud800")

    start_worker()
    with pytest.raises(MessageFailed) as failed:
        Failing.get_or_create("x").ask("work", 1, timeout=PATIENCE)
    assert "nul \\x00 and half a pair \\ud800" in failed.value.metadata["error"]
    assert attempts == [1, 1, 1]
