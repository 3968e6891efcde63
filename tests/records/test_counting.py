"""What a worker counts, and how it gets into the database exactly once."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from actorqueues import Actor, Backoff, Reject, clock, handler
from actorqueues.models import Message, Statistic
from actorqueues.models.statistic import LATENCY_BOUNDS
from actorqueues.runtime import statistics
from actorqueues.runtime.statistics import Tally
from actorqueues.storage.operations import Settle
from actorqueues.storage.statistics import Counted, Counts
from tests.fixtures.workers import PATIENCE, eventually
from tests.playground.actors import Scribe
from tests.storage.leases import Holder, begin, chain_of, heads_of, held_actor, settle

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def one_minute(queue="increment", **counts):
    return Counted("ledger", queue, NOON, Counts(**counts))


def kept(queue):
    """The sums of one queue, and of its latencies."""
    total = Counts()
    for row in Statistic.objects.filter(queue=queue):
        total.add(Counts.of(row))
    return (total.sent, total.settled, total.failed, total.dead, sum(total.latencies))


def test_a_worker_keeps_what_became_of_its_messages(empty_registry, start_worker):
    class Grocer(Actor):
        @handler
        def sell(self, body: int) -> None:
            pass

        @handler(atomic=True)
        def book(self, body: int) -> None:
            pass

        @handler(max_attempts=3, backoff=Backoff(first=0.02))
        def deliver(self, body: int, message) -> None:
            if message.attempt <= body:
                raise RuntimeError("nobody at home")

        @handler
        def lend(self) -> None:
            raise Reject("never")

    worker = start_worker()
    grocer = Grocer.get_or_create("x")
    grocer.send_many(Grocer.sell, range(20))
    grocer.send_many(Grocer.book, range(3))
    grocer.send_many(Grocer.deliver, [0, 2, 5])
    grocer.send(Grocer.lend)
    eventually(lambda: not Message.objects.exists(), PATIENCE * 3)
    worker.stop()
    assert kept("sell") == (20, 20, 0, 0, 20)
    assert kept("book") == (3, 3, 0, 0, 3)
    assert kept("deliver") == (3, 2, 5, 1, 2)
    assert kept("lend") == (1, 0, 1, 1, 0)
    assert set(Statistic.objects.values_list("type", flat=True)) == {"grocer"}
    assert not Statistic.objects.filter(worker_id=None).exists()


def test_a_minute_that_is_over_is_written_while_the_worker_goes_on(empty_registry, start_worker, monkeypatch):
    class Clerk(Actor):
        @handler
        def file(self, body: int) -> int:
            return body

    start_worker(lease=600)  # the minute that the clock leaps would end a short one
    clerk = Clerk.get_or_create("x")
    assert clerk.ask(Clerk.file, 1, timeout=PATIENCE) == 1
    monkeypatch.setattr(clock, "offset", clock.offset + timedelta(minutes=1))
    assert clerk.ask(Clerk.file, 2, timeout=PATIENCE) == 2
    eventually(lambda: kept("file") == (1, 1, 0, 0, 1))


@pytest.mark.parametrize("end", ["drain", "SIGTERM"])
def test_a_process_that_ends_in_an_orderly_way_writes_its_last_minute(backend, worker_process, end):
    for key in "abc":
        Scribe.get_or_create(key).send_many(Scribe.doze, [{"value": 1}] * 20)
    worker = worker_process("--drain") if end == "drain" else worker_process()
    eventually(lambda: not Message.objects.exists(), 60)
    if end == "SIGTERM":
        worker.terminate()
    assert worker.wait(60) == 0, worker.output
    assert kept("doze") == (60, 60, 0, 0, 60)


def test_no_statistics_are_kept_when_they_are_turned_off(empty_registry, start_worker, settings):
    class Clerk(Actor):
        @handler
        def file(self, body: int) -> int:
            return body

    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "STATISTICS_RETENTION": 0}
    worker = start_worker()
    assert Clerk.get_or_create("x").ask(Clerk.file, 1, timeout=PATIENCE) == 1
    worker.stop()
    assert not Statistic.objects.exists()


def test_a_batch_that_is_committed_twice_adds_once(backend):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    chain, counted = chain_of(actor, begin(head), settle(head)), [one_minute(sent=2, settled=1)]
    first = holder.commit(chain, counted=counted)
    assert holder.repeat(chain, counted=counted) == first
    assert kept("increment")[:2] == (2, 1)
    assert Statistic.objects.get().worker_id == holder.id


def test_statistics_commit_without_anything_else(backend):
    holder = Holder(backend)
    assert holder.commit(counted=[one_minute("a", settled=1), one_minute("b", dead=2)]) == []
    assert [kept("a")[1], kept("b")[3]] == [1, 2]


def test_statistics_that_cannot_be_kept_do_not_hold_up_the_journal(backend, caplog):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    spoilt = Counted("ledger", "increment", None, Counts(settled=1))
    with caplog.at_level(logging.ERROR, "actorqueues"):
        [result] = holder.commit(chain_of(actor, begin(head), settle(head)), counted=[spoilt])
    assert result.status == "committed"
    assert not Message.objects.exists()
    assert "statistics of 1 queues could not be kept" in caplog.text


# The tally by itself


def settled(head_at, **given):
    head = SimpleNamespace(queue="q", failures=0, crashes=0, enqueued_at=head_at, **given)
    return (Settle(head),)


def test_a_tally_ends_its_minute_by_the_databases_clock():
    tally = Tally(keeps=True)
    tally.count("t", [settled(NOON)], NOON + timedelta(seconds=59.9))
    assert tally.take() == []
    tally.count("t", [settled(NOON)], NOON + timedelta(seconds=60))
    [first] = tally.take()
    assert (first.type, first.queue, first.began_at, first.counts.settled) == ("t", "q", NOON, 1)
    assert tally.totals().settled == 2


def test_latencies_fall_into_the_class_that_ends_above_them():
    tally = Tally(keeps=True)
    for seconds in (0.0005, 0.001, 0.0011, 0.3, 3600, 3601, 10**6):
        tally.count("t", [settled(NOON - timedelta(seconds=seconds))], NOON)
    latencies = tally.totals().latencies
    found = [(*LATENCY_BOUNDS, None)[place] for place, number in enumerate(latencies) for _ in range(number)]
    assert found == [0.001, 0.001, 0.002, 0.5, 3600.0, None, None]


def test_a_commit_whose_time_is_unknown_counts_in_the_current_minute():
    tally = Tally(keeps=True)
    tally.count("t", [settled(NOON)], NOON)
    tally.count("t", [settled(NOON)], None)
    assert tally.totals().settled == 2
    assert tally.take() == []


def test_an_idle_worker_ends_its_last_minute_too(monkeypatch):
    monkeypatch.setattr(statistics, "LATEST_TURN", 0.01)
    tally = Tally(keeps=True)
    tally.count("t", [settled(NOON)], NOON + timedelta(seconds=59.9))

    async def idle():
        journal = SimpleNamespace(tally=tally, bell=asyncio.Event())
        turning = asyncio.create_task(statistics.turn_minutes(journal))
        await asyncio.wait_for(journal.bell.wait(), 10)
        turning.cancel()

    asyncio.run(idle())
    assert [one.began_at for one in tally.take()] == [NOON]


def test_what_is_finished_is_written_in_batches():
    tally = Tally(keeps=True)
    for number in range(statistics.BATCH + 1):
        head = SimpleNamespace(queue=f"q{number}", failures=0, crashes=0, enqueued_at=NOON)
        tally.count(str(uuid4()), [(Settle(head),)], NOON)
    tally.turn(NOON)
    assert [len(tally.take()), len(tally.take()), len(tally.take())] == [statistics.BATCH, 1, 0]
