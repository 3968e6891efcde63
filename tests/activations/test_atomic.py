"""``message.atomic()``: the user's rows, the state and the settlement in one transaction."""

import time
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import F
from django.utils import timezone

from actorqueues import Actor, Backoff, Queue, handler
from actorqueues.models import ActorInstance, Event, Message
from tests.fixtures.backends import only_postgresql
from tests.fixtures.workers import PATIENCE, eventually
from tests.playground.models import Ledger

QUICK = Backoff(first=0.02)


def enter(message, value=0):
    Ledger.objects.create(
        actor_key="x", message_id=message.id, value=value, note=f"attempt {message.attempt}"
    )


def test_rows_state_and_completion_commit_together(start_worker, backend):
    class Scribe(Actor):
        @handler(atomic=True)
        def record(self, body: int, message) -> int:
            enter(message, body)
            self.state["values"] = [*self.state.get("values", []), body]
            return len(self.state["values"])

    scribe = Scribe.get_or_create("x")
    start_worker()
    assert [scribe.ask("record", number, timeout=PATIENCE) for number in (5, 6)] == [1, 2]
    assert scribe.get_state() == {"values": [5, 6]}
    assert list(Ledger.objects.order_by("id").values_list("value", flat=True)) == [5, 6]
    assert not Message.objects.exists()


def test_raising_rolls_all_back(start_worker, backend):
    class Scribe(Actor):
        a = Queue(Any)

        @handler(atomic=True, backoff=QUICK)
        def record(self, body: int, message) -> int:
            enter(message, body)
            self.state["attempt"] = message.attempt
            self.a.send("sent")
            self.broadcast("recorded", message.attempt)
            if message.attempt == 1:
                raise RuntimeError("after all")
            return message.attempt

    scribe = Scribe.get_or_create("x")
    start_worker()
    assert scribe.ask("record", 5, timeout=PATIENCE) == 2
    assert [row.note for row in Ledger.objects.all()] == ["attempt 2"]
    assert scribe.get_state() == {"attempt": 2}
    assert Message.objects.filter(queue="a").count() == 1
    assert [(event.number, event.data) for event in scribe.events()] == [(1, 2)]


def test_a_rollback_leaves_what_earlier_messages_have_committed(start_worker, backend):
    class Scribe(Actor):
        @handler(atomic=True, max_attempts=1)
        def record(self, body: int, message) -> list[int]:
            values = [*self.state.get("values", []), body]
            if body < 0:
                raise RuntimeError("negative")
            self.state["values"] = values
            return values

    scribe = Scribe.get_or_create("x")
    start_worker()
    for body in (1, 2, -1, 3, -1):
        scribe.send("record", body)
    assert scribe.ask("record", 4, timeout=PATIENCE) == [1, 2, 3, 4]
    assert scribe.get_state() == {"values": [1, 2, 3, 4]}


def test_sends_inside_join_the_transaction(start_worker, backend):
    class Scribe(Actor):
        a = Queue(Any)

        @handler(atomic=True)
        def record(self, body: int, message) -> None:
            self.a.send(body)
            inside.append(Message.objects.filter(queue="a").count())

    inside = []
    start_worker()
    Scribe.get_or_create("x").ask("record", 5, timeout=PATIENCE)
    assert inside == [1]
    assert Message.objects.filter(queue="a").count() == 1


def test_a_block_of_ones_own_answers_with_its_reply(start_worker, backend):
    class Scribe(Actor):
        a = Queue(int, reply=str)

        async def run(self):
            async for message in self.a.iter(completable=True):
                await sync_to_async(self.record)(message)
                self.state["after"] = self.state.get("after", 0) + 1

        def record(self, message):
            with message.atomic() as step:
                enter(message, message.body)
                self.state["inside"] = message.body
                step.reply = f"recorded {message.body}"

    scribe = Scribe.get_or_create("x")
    start_worker()
    assert scribe.ask("a", 1, timeout=PATIENCE) == "recorded 1"
    assert scribe.ask("a", 2, timeout=PATIENCE) == "recorded 2"
    assert Ledger.objects.count() == 2
    eventually(lambda: scribe.get_state() == {"inside": 2, "after": 2})


def test_a_reply_that_is_missing_rolls_all_back(start_worker, backend):
    class Scribe(Actor):
        @handler(reply=int, max_attempts=1)
        def record(self, body: int, message) -> int:
            with message.atomic():
                enter(message, body)
            return 1

    start_worker()
    result = Scribe.get_or_create("x").send("record", 5, wait=True, timeout=PATIENCE)
    assert "ReplyInvalid" in result.error
    assert not Ledger.objects.exists()


@only_postgresql  # SQLite has one writer: nobody takes an actor over while a transaction is open
def test_nothing_is_committed_once_the_lease_is_lost(start_worker, neighbours, backend):
    class Scribe(Actor):
        @handler(atomic=True)
        def record(self, body: int, message) -> int:
            enter(message, body)
            if not attempts:
                neighbour.do(take_over)
            attempts.append(message.attempt)
            return body

    def take_over():
        actors = ActorInstance.objects.using(backend)
        actors.update(epoch=F("epoch") + 1, worker_id=None, wake_at=timezone.now())

    attempts, neighbour = [], neighbours()
    scribe = Scribe.get_or_create("x")
    receipt = scribe.send("record", 5, track=True)
    start_worker()
    assert scribe.wait_for(receipt, timeout=PATIENCE).response == 5
    assert len(attempts) == 2
    assert Ledger.objects.count() == 1


def test_events_and_progress_of_a_block_commit_with_it(start_worker, backend):
    class Scribe(Actor):
        @handler(atomic=True)
        def record(self, body: int, message) -> None:
            message.progress(1, 2)
            self.broadcast("inside", 1)
            message.progress(2, 2, "done")
            seen.append(Event.objects.filter(name="inside").count())

    seen = []
    scribe = Scribe.get_or_create("x")
    start_worker()
    receipt = scribe.send("record", 1, track=True)
    assert [report.done for report in scribe.follow(receipt, timeout=PATIENCE)][-1] == 2
    assert seen == [0]
    assert [event.name for event in scribe.events() if event.name == "inside"] == ["inside"]


def test_events_that_come_while_a_block_is_open_are_numbered_after_its_own(start_worker, backend):
    class Scribe(Actor):
        @handler(atomic=True, backoff=QUICK)
        def record(self, body: int, message) -> None:
            self.broadcast("live", message.attempt, live=True)
            self.broadcast("inside", message.attempt)
            time.sleep(0.05)  # the loop has the live one by now
            if message.attempt == 1:
                raise RuntimeError("rolled back")

    scribe = Scribe.get_or_create("x")
    start_worker()
    scribe.ask("record", 1, timeout=PATIENCE)
    events = eventually(lambda: len(scribe.events()) == 3 and scribe.events())
    assert [(event.number, event.name, event.data) for event in events] == [
        (1, "live", 1), (2, "inside", 2), (3, "live", 2),
    ]  # fmt: skip
