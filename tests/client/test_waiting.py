import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections, transaction

from actorqueues import clock
from actorqueues.client import hub
from actorqueues.client.hub import Waiter, hub_of
from actorqueues.exceptions import (
    MessageFailed,
    MessageUnknown,
    ReplyTimedOut,
    WaitInTransaction,
)
from actorqueues.models import Message, Outcome
from actorqueues.storage.outcomes import read_outcomes
from actorqueues.wakeups import notifying
from tests.client.actors import Increment, Ledger, Value
from tests.client.outcomes import settle, settle_next
from tests.fixtures.backends import only_postgresql
from tests.fixtures.workers import eventually

ONE = Increment(amount=1)


@pytest.fixture
def handle():
    return Ledger.get_or_create("a")


@pytest.fixture
def slow_poll(settings):
    """Polling finds nothing within a test: only hints do."""
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "POLL_INTERVAL": 30}


@pytest.fixture
def worker(backend, neighbours):
    """Settles the next message as a worker would, in another thread."""

    def work(reply=None, **options):
        return neighbours().start(settle_next, reply, using=backend, **options)

    return work


def test_ask_gives_the_reply_itself_typed(backend, handle, worker):
    worker({"value": 6})
    assert handle.ask(Ledger.increment, ONE, timeout=10) == Value(value=6)
    assert Message.objects.count() == 0


def test_a_sender_who_waits_gets_what_became_of_it(backend, handle, worker):
    worker({"value": 6})
    result = handle.send(Ledger.increment, ONE, wait=True, timeout=10)
    assert (result.status, result.response, result.error) == ("completed", Value(value=6), None)
    worker()
    result = handle.send(Ledger.note, ONE, wait=True, timeout=10)
    assert (result.status, result.response) == ("completed", None)
    worker(error="it broke")
    result = handle.send("note", ONE, wait=True, timeout=10)
    assert (result.status, result.response, result.error) == ("failed", None, "it broke")
    worker(error="it broke")
    with pytest.raises(MessageFailed, match="it broke"):
        handle.ask(Ledger.note, ONE, timeout=10)


def test_a_message_that_is_settled_without_a_reply_completes_with_none(backend, handle, worker):
    worker()  # received without completable=True
    assert handle.send(Ledger.increment, ONE, wait=True, timeout=10).response is None


def test_a_timeout_names_the_last_failed_attempt_and_the_outcome_is_collected_later(backend, handle):
    result = handle.send(Ledger.increment, ONE, wait=True, timeout=0.05)
    assert (result.status, result.response, result.error) == ("timed_out", None, None)
    Message.objects.update(failures=1, error="the first attempt broke")
    later = handle.wait_for(result.id, timeout=0.05)
    assert (later.status, later.error) == ("timed_out", "the first attempt broke")
    settle(result.id, {"value": 2}, using=backend)
    assert handle.wait_for(result.id, timeout=0).response == Value(value=2)
    with pytest.raises(ReplyTimedOut, match=r"0\.05 seconds"):
        handle.ask(Ledger.increment, ONE, timeout=0.05)


def test_waiters_that_time_out_are_forgotten(backend, handle):
    handle.send(Ledger.increment, ONE, wait=True, timeout=0.05)
    assert hub_of(backend).waiting == 0
    uid = uuid4()
    first, second = hub_of(backend).wait_for(uid), hub_of(backend).wait_for(uid)
    assert hub_of(backend).waiting == 2
    hub_of(backend).forget(uid, first)
    assert hub_of(backend).waiting == 1
    hub_of(backend).forget(uid, second)
    hub_of(backend).forget(uid, second)
    assert hub_of(backend).waiting == 0


def test_an_outcome_that_arrives_before_its_waiter_registers_is_found(backend, handle, slow_poll):
    receipt = handle.send(Ledger.increment, ONE)
    settle(receipt.id, {"value": 1}, using=backend, hint=False)
    started = time.monotonic()
    assert handle.wait_for(receipt, timeout=10).response == Value(value=1)
    waiter = hub_of(backend).wait_for(Outcome.objects.get().uid)  # past the first look of wait_for
    assert waiter.block(10).status == "completed"
    assert time.monotonic() - started < 5


def test_who_waits_before_the_send_is_told_by_the_hint_alone(backend, handle, slow_poll, monkeypatch):
    looks = []
    monkeypatch.setattr(
        hub, "read_outcomes", lambda uids, using: looks.extend(uids) or read_outcomes(uids, using=using)
    )
    other = uuid4()
    keeps_the_hub_running = hub_of(backend).wait_for(other)
    eventually(lambda: looks)
    receipt = handle.send(Ledger.increment, ONE)
    waiter = hub_of(backend).wait_for(UUID(hex=receipt.id), look=False)
    time.sleep(0.3)
    looked = UUID(hex=receipt.id) in looks
    settle(receipt.id, {"value": 1}, using=backend)
    assert waiter.block(10).status == "completed"
    assert not looked or backend == "default"  # SQLite's hints name no messages: it looks at all of them
    hub_of(backend).forget(other, keeps_the_hub_running)  # it sleeps for 30 seconds while it has a waiter


def test_a_waiter_that_nobody_keeps_is_forgotten(backend):
    uid = uuid4()
    hub_of(backend).wait_for(uid)
    gc.collect()
    assert hub_of(backend).waiting == 0
    hub_of(backend).forget(uid, Waiter())  # now, not with the next poll


def test_who_gave_up_before_the_wait_began_does_not_wait(backend):
    waiter = Waiter()
    waiter.give_up()
    started = time.monotonic()
    assert waiter.block(30) is None
    assert time.monotonic() - started < 10


def test_a_hint_ends_the_wait_long_before_the_poll(backend, handle, slow_poll, worker):
    started = time.monotonic()
    worker({"value": 1})
    assert handle.ask(Ledger.increment, ONE, timeout=20).value == 1
    assert time.monotonic() - started < 5


@only_postgresql
def test_lost_hints_cost_one_poll_interval(backend, handle, settings, worker):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "POLL_INTERVAL": 0.3}
    worker({"value": 1}, hint=False)
    started = time.monotonic()
    assert handle.ask(Ledger.increment, ONE, timeout=20).value == 1
    assert time.monotonic() - started < 2


def test_without_wake_ups_the_wait_polls_faster_at_first(backend, handle, settings, worker):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "WAKEUP": "poll", "POLL_INTERVAL": 5}
    started = time.monotonic()
    worker({"value": 1}, hint=False)
    assert handle.ask(Ledger.increment, ONE, timeout=20).value == 1
    assert time.monotonic() - started < 2


def test_two_hundred_waiters_share_one_thread(backend, handle, slow_poll):
    receipts = handle.send_many(Ledger.increment, [{"amount": number} for number in range(200)])
    threads_before = threading.active_count()

    def wait(receipt):
        return handle.wait_for(receipt, timeout=20).response

    async def wait_for_all():
        return await asyncio.gather(*(handle.await_for(receipt, timeout=20) for receipt in receipts[100:]))

    with ThreadPoolExecutor(101) as pool:
        waiting = [pool.submit(lambda receipt=receipt: closing(wait, receipt)) for receipt in receipts[:100]]
        on_loop = pool.submit(lambda: closing(asyncio.run, wait_for_all()))
        while hub_of(backend).waiting < 200:
            time.sleep(0.01)
        assert threading.active_count() - threads_before < 101 + 10
        for number, receipt in enumerate(receipts):
            settle(receipt.id, {"value": number}, using=backend)
        assert [future.result(timeout=20).value for future in waiting] == list(range(100))
        assert [result.response.value for result in on_loop.result(timeout=20)] == list(range(100, 200))
    assert hub_of(backend).waiting == 0


def closing(function, *args):
    try:
        return function(*args)
    finally:
        connections.close_all()


@only_postgresql
def test_a_wait_survives_the_loss_of_every_database_connection(
    backend, handle, slow_poll, neighbours, monkeypatch
):
    receipt = handle.send(Ledger.increment, ONE)
    let_threads_end(monkeypatch)
    sessions_before = sessions(backend)
    waiter = neighbours()
    waiting = waiter.start(handle.wait_for, receipt, timeout=30)
    while not hub_of(backend).waiting:
        time.sleep(0.01)
    time.sleep(0.3)  # its thread has both of its connections
    with connections[backend].cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM unnest(%s) pid",
            [list(sessions(backend) - sessions_before)],
        )
        assert len(cursor.fetchall()) >= 2
    settle(receipt.id, {"value": 1}, using=backend, hint=False)
    assert waiting.result(timeout=20).response == Value(value=1)  # found when it listens again


def sessions(using):
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return {pid for (pid,) in cursor.fetchall()}


def test_the_threads_end_when_nobody_waits(backend, handle, monkeypatch):
    handle.send(Ledger.increment, ONE, wait=True, timeout=0.05)
    let_threads_end(monkeypatch)


def let_threads_end(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(hub, "IDLE", 0.1)
        patched.setattr(notifying, "IDLE", 0.1)
        deadline = time.monotonic() + 10
        while any(thread.name.startswith("actorqueues-") for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_waiting_on_an_event_loop_does_not_block_it(backend, handle, worker):
    ticks = []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.01)

    async def ask():
        ticking = asyncio.create_task(tick())
        asyncio.get_running_loop().call_later(0.3, worker, {"value": 3})
        value = await handle.aask(Ledger.increment, ONE, timeout=20)
        ticking.cancel()
        return value

    assert asyncio.run(ask()).value == 3
    assert len(ticks) > 10


def test_a_cancelled_wait_is_forgotten(backend, handle):
    async def give_up():
        waiting = asyncio.create_task(handle.asend(Ledger.increment, ONE, wait=True, timeout=20))
        while not hub_of(backend).waiting:
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(give_up())
    eventually(
        lambda: hub_of(backend).waiting == 0
    )  # the send may still be under way in its thread, and ends there
    result = asyncio.run(handle.asend(Ledger.increment, ONE, wait=True, timeout=0.05))
    assert result.status == "timed_out"


def test_nothing_is_known_of_messages_that_leave_nothing(backend, handle):
    silent = handle.send(Ledger.note, ONE)
    for message in (silent, uuid4().hex, "nonsense"):
        with pytest.raises(MessageUnknown):
            handle.wait_for(message, timeout=10)
    tracked = handle.send(Ledger.note, ONE, track=True)
    with pytest.raises(MessageUnknown):
        Ledger.get_or_create("another").wait_for(tracked, timeout=10)
    settle(tracked.id, using=backend)
    assert handle.wait_for(tracked, timeout=10).status == "completed"
    with pytest.raises(MessageUnknown):
        Ledger.get_or_create("another").wait_for(tracked, timeout=10)


def test_an_expired_outcome_is_unknown(backend, handle, monkeypatch):
    receipt = handle.send(Ledger.note, ONE, track=True)
    settle(receipt.id, using=backend)
    monkeypatch.setattr(clock, "offset", timedelta(minutes=11))
    with pytest.raises(MessageUnknown):
        handle.wait_for(receipt, timeout=10)


def test_a_repeated_idempotency_key_collects_the_first_ones_outcome(backend, handle, worker):
    first = handle.send(Ledger.note, ONE, idempotency_key="k")
    worker()
    again = handle.send(Ledger.note, ONE, idempotency_key="k", wait=True, timeout=10)
    assert (again.id, again.status) == (first.id, "completed")
    assert handle.send(Ledger.note, ONE, idempotency_key="k", wait=True, timeout=10).id == first.id


def test_waiting_for_a_repeat_of_a_message_that_leaves_nothing_says_so(backend, handle):
    handle.send(Ledger.note, ONE, dedupe="d")
    with pytest.raises(MessageUnknown):
        handle.send(Ledger.note, ONE, dedupe="d", wait=True, timeout=10)


def test_a_wait_in_an_open_transaction_is_refused_at_once(backend, handle):
    with transaction.atomic(using=backend):
        receipt = handle.send(Ledger.increment, ONE)
        for wait in (
            lambda: handle.send(Ledger.increment, ONE, wait=True),
            lambda: handle.ask(Ledger.increment, ONE),
            lambda: handle.wait_for(receipt),
            lambda: handle.follow(receipt),
        ):
            with pytest.raises(WaitInTransaction, match="wait_for"):
                wait()
    assert Message.objects.count() == 1


def test_a_wait_under_manual_commit_is_refused_at_once(backend, handle):
    connection = connections[backend]
    connection.set_autocommit(False)
    try:
        with pytest.raises(WaitInTransaction):
            handle.ask(Ledger.increment, ONE)
        handle.send(Ledger.increment, ONE)
        connection.rollback()
    finally:
        connection.set_autocommit(True)
    assert Message.objects.count() == 0


def test_in_a_testcase_without_the_testing_fixture_waiting_says_what_to_do(backend_in_transaction, handle):
    handle.send(Ledger.increment, ONE)
    with pytest.raises(WaitInTransaction, match=r"actorqueues\.testing"):
        handle.ask(Ledger.increment, ONE)
    with (
        pytest.raises(WaitInTransaction, match=r"leave the transaction"),
        transaction.atomic(using=backend_in_transaction),
    ):
        handle.ask(Ledger.increment, ONE)


def test_a_testcases_own_transaction_runs_the_actor_inline(backend_in_transaction, handle, monkeypatch):
    using = backend_in_transaction

    class Runner:
        def wait(self, uid, database, timeout):
            assert database == using
            settle_next({"value": 9}, using=using, hint=False)
            return read_outcomes([uid], using=using)[uid]

        async def wait_on_loop(self, *args):
            return await sync_to_async(self.wait)(*args)

    monkeypatch.setattr("actorqueues.client.waiting.inline_runner", Runner())
    assert handle.ask(Ledger.increment, ONE) == Value(value=9)
    assert async_to_sync(handle.aask)(Ledger.increment, ONE) == Value(value=9)
