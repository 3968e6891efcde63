"""Broadcasts in their three kinds, progress, signals."""

import asyncio
import time
from contextlib import contextmanager

import pytest

from actorqueues import Actor, Backoff, handler, signals
from actorqueues.models import ActorInstance
from tests.fixtures.workers import PATIENCE, eventually

QUICK = Backoff(first=0.02)


def told(actor, after=None):
    return [(event.number, event.name, event.data) for event in actor.events(after)]


@pytest.mark.parametrize("kind", ["work", "awork"])
def test_events_commit_with_the_delivery_live_ones_at_once_and_transient_ones_never(start_worker, kind):
    class Teller(Actor):
        def tell(self, message):
            self.broadcast("committed", message.attempt)
            self.broadcast("live", message.attempt, live=True)
            self.broadcast("transient", message.attempt, transient=True)
            if message.attempt == 1:
                raise RuntimeError("again")

        @handler(backoff=QUICK)
        def work(self, body: int, message) -> None:
            self.tell(message)

        @handler(backoff=QUICK)
        async def awork(self, body: int, message) -> None:
            self.tell(message)

    teller = Teller.get_or_create("x")
    start_worker()
    result = teller.send(kind, 1, wait=True, timeout=PATIENCE)
    assert result.status == "completed"
    eventually(lambda: len(told(teller)) == 3)
    assert [number for number, *_ in told(teller)] == [1, 2, 3]
    assert sorted(event[1:] for event in told(teller)) == [("committed", 2), ("live", 1), ("live", 2)]
    assert {event.message_id for event in teller.events()} == {result.id}


def test_events_after_a_number(start_worker):
    class Teller(Actor):
        @handler
        async def work(self, body: int) -> None:
            for number in range(body):
                self.broadcast("n", number)

    teller = Teller.get_or_create("x")
    start_worker()
    teller.ask("work", 3, timeout=PATIENCE)
    assert told(teller) == [(1, "n", 0), (2, "n", 1), (3, "n", 2)]
    assert told(teller, 2) == [(3, "n", 2)]
    assert told(teller, 3) == []


def test_numbers_go_on_without_gaps_over_activations_and_failures(start_worker):
    class Teller(Actor):
        @handler(backoff=QUICK)
        async def work(self, body: int, message) -> None:
            self.broadcast("n", body)
            if message.attempt == 1:
                self.broadcast("live", body, live=True)
                raise RuntimeError("again")

        def on_sleep(self):
            self.broadcast("asleep")

    teller = Teller.get_or_create("x")
    start_worker(sleep_after=0.02)
    for number in range(3):
        teller.ask("work", number, timeout=PATIENCE)
        eventually(lambda: not ActorInstance.objects.filter(worker_id__isnull=False).exists())
    events = told(teller)
    assert [number for number, *_ in events] == list(range(1, len(events) + 1))
    assert [name for _, name, _ in events if name != "asleep"] == ["live", "n"] * 3
    assert [name for _, name, _ in events].count("asleep") >= 3


def test_an_event_for_one_user_says_so(start_worker):
    class Teller(Actor):
        @handler
        async def work(self, body: int) -> None:
            self.broadcast("everybody")
            self.broadcast("one", to_user=5)
            self.notify_user("sender")

    teller = Teller.get_or_create("x")
    start_worker()
    teller.ask("work", 1, user="9", timeout=PATIENCE)
    assert [(event.name, event.user_id) for event in teller.events()] == [
        ("everybody", None), ("one", "5"), ("sender", "9"),
    ]  # fmt: skip


def test_progress_is_coalesced_and_the_last_report_always_sent(start_worker):
    class Worker(Actor):
        @handler
        async def work(self, body: int, message) -> None:
            for done in range(1, 201):
                message.progress(done, 200, f"step {done}")
                await asyncio.sleep(0.001)

    worker = Worker.get_or_create("x")
    start_worker()
    receipt = worker.send("work", 1, track=True)
    reports = list(worker.follow(receipt, timeout=PATIENCE))
    assert 2 <= len(reports) <= 12
    assert (reports[-1].done, reports[-1].total, reports[-1].note, reports[-1].attempt) == (
        200, 200, "step 200", 1,
    )  # fmt: skip
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert worker.wait_for(receipt, timeout=0).status == "completed"


def test_progress_survives_a_failure_and_carries_the_attempt(start_worker):
    class Worker(Actor):
        @handler(backoff=QUICK)
        def work(self, body: int, message) -> None:
            message.progress(1, note="begun")
            message.progress(2, note="last")
            if message.attempt == 1:
                raise RuntimeError("again")

    worker = Worker.get_or_create("x")
    start_worker()
    receipt = worker.send("work", 1, track=True)
    reports = [(report.attempt, report.note) for report in worker.follow(receipt, timeout=PATIENCE)]
    assert [note for attempt, note in reports if attempt == 1][-1] == "last"
    assert reports[-1] == (2, "last")


@contextmanager
def listening(*names):
    heard = []

    def receiver(signal, sender, **values):
        heard.append((kinds[signal], sender, values))

    kinds = {getattr(signals, name): name for name in names}
    for signal in kinds:
        signal.connect(receiver)
    try:
        yield heard
    finally:
        for signal in kinds:
            signal.disconnect(receiver)


def test_signals_tell_of_a_messages_life(start_worker):
    class Worker(Actor):
        @handler(backoff=QUICK, max_attempts=2)
        async def work(self, body: int, message) -> None:
            if body == 2 or message.attempt == 1:
                raise RuntimeError("broken")

    worker = Worker.get_or_create("x")
    names = ("message_sent", "message_started", "message_failed", "message_settled", "message_dead")
    with listening(*names) as heard:
        start_worker()
        first = worker.send("work", 1, wait=True, timeout=PATIENCE)
        second = worker.send("work", 2, wait=True, timeout=PATIENCE)
        eventually(lambda: len(heard) == 10)

    def life(message_id):
        told = [
            (kind.removeprefix("message_"), values.get("attempt"))
            for kind, _, values in heard
            if values["message_id"] == message_id
        ]
        return sorted(told, key=lambda one: one[0])

    assert life(first.id) == [("failed", 1), ("sent", None), ("settled", 2), ("started", 1), ("started", 2)]
    assert life(second.id) == [("dead", 2), ("failed", 1), ("sent", None), ("started", 1), ("started", 2)]
    _, sender, values = next(one for one in heard if one[0] == "message_dead")
    assert sender is Worker
    assert values["actor_type"] == "worker"
    assert values["key"] == ("x",)
    assert values["queue"] == "work"
    assert values["reason"] == "exhausted"
    assert "broken" in values["error"]
    failed = next(values for kind, _, values in heard if kind == "message_failed")
    assert failed["retry_delay_seconds"] == 0.02


def test_what_leaves_with_a_delivery_is_told_as_sent_by_the_worker(start_worker):
    class Worker(Actor):
        @handler
        async def work(self, body: int) -> None:
            if body:
                await Worker.get_or_create("y").asend("work", body - 1, user="7")

    with listening("message_sent") as heard:
        start_worker()
        Worker.get_or_create("x").send("work", 1, wait=True, timeout=PATIENCE)
        told = eventually(lambda: [values for _, _, values in heard if values["key"] == ("y",)])
    assert [(one["queue"], one["deduplicated"], one["user_id"]) for one in told] == [("work", False, "7")]


def test_a_message_that_is_given_up_unopened_is_told_of(start_worker):
    class Worker(Actor):
        @handler
        async def work(self, body: int) -> None:
            pass

    worker = Worker.get_or_create("x")
    with listening("message_dead") as heard:
        receipt = worker.send("work", 1, expires=0.001, track=True)
        time.sleep(0.01)
        start_worker()
        worker.wait_for(receipt, timeout=PATIENCE)
        ((_, _, values),) = eventually(lambda: heard)
    assert (values["reason"], values["queue"]) == ("expired", "work")


def test_a_receiver_that_raises_changes_nothing(start_worker, caplog):
    class Worker(Actor):
        @handler
        async def work(self, body: int) -> int:
            return body

    def receiver(**values):
        raise RuntimeError("a bad receiver")

    signals.message_started.connect(receiver)
    try:
        start_worker()
        assert Worker.get_or_create("x").ask("work", 1, timeout=PATIENCE) == 1
        eventually(lambda: "a bad receiver" in caplog.text)
    finally:
        signals.message_started.disconnect(receiver)
