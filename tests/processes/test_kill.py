"""Workers that die without a word, with messages in flight."""

import time
from uuid import UUID

from actorqueues.models import ActorInstance, Worker
from tests.playground.actors import Increment, Scribe, Tally
from tests.playground.models import Ledger
from tests.processes.evidence import (
    POLL,
    QUICK,
    SLACK,
    all_settled,
    eventually,
    in_flight,
    ledger,
    sessions_of,
    worker_ids,
)

KEYS = ("a", "b", "c")
TALLIES = [{"amount": 1}] * 100
ATOMIC = [{"value": value} for value in range(60)]
SLOW = [{"value": value, "seconds": 0.02} for value in range(1000, 1030)]
ASYNC = [{"value": value, "seconds": 0.02} for value in range(2000, 2030)]


def send_a_lot():
    for key in KEYS:
        Tally.get_or_create(key).send_many(Tally.increment, TALLIES)
        Scribe.get_or_create(f"{key} atomic").send_many(Scribe.record, ATOMIC)
        Scribe.get_or_create(f"{key} slow").send_many(Scribe.scribble, SLOW)
        Scribe.get_or_create(f"{key} async").send_many(Scribe.doze, ASYNC)


def nothing_is_lost_doubled_or_out_of_order():
    for key in KEYS:
        assert Tally.get_or_create(key).get_state().value == len(TALLIES)
        atomic, slow = [body["value"] for body in ATOMIC], [body["value"] for body in SLOW]
        assert ledger(f"{key} atomic") == atomic
        assert Scribe.get_or_create(f"{key} atomic").get_state()["values"] == atomic
        # Its own transactions are done before the acknowledgement: repeated, but never skipped or swapped.
        assert list(dict.fromkeys(ledger(f"{key} slow"))) == slow
        assert Scribe.get_or_create(f"{key} slow").get_state()["values"] == slow
        assert Scribe.get_or_create(f"{key} async").get_state()["values"] == [body["value"] for body in ASYNC]


def test_what_a_killed_worker_had_in_flight_goes_on_at_another_with_nothing_lost(backend, worker_process):
    first = worker_process("--no-supervise", settings=QUICK)
    first.wait_for_output("worker starts")
    send_a_lot()
    hanging = Scribe.get_or_create("hanging").send(Scribe.hang, {"value": 1})
    eventually(lambda: len(ledger("a slow")) >= 5 and len(ledger("b atomic")) >= 5 and ledger("hanging"))
    first.kill()
    eventually(lambda: not sessions_of(first))
    marked = in_flight()
    assert marked[UUID(hanging.id)] == 0
    held = list(ActorInstance.objects.awake().values_list("id", flat=True))

    second = worker_process("--no-supervise", settings=QUICK)
    (dead,) = worker_ids()
    second.wait_for_output("worker starts")
    expires_at, ready_at = Worker.objects.get(id=dead).expires_at.timestamp(), time.time()
    eventually(lambda: not ActorInstance.objects.filter(id__in=held, worker_id=dead).exists())
    eventually(lambda: ActorInstance.objects.filter(id__in=held).awake().exists())
    assert time.time() < max(expires_at, ready_at) + 2 * POLL + SLACK

    eventually(all_settled)
    nothing_is_lost_doubled_or_out_of_order()
    # An attempt was counted for every start mark that had committed.
    attempts = last_attempts()
    assert attempts[hanging.id] == "attempt 2"
    wrong = {uid: attempts.get(uid.hex) for uid in marked if attempts.get(uid.hex) not in ("attempt 2", None)}
    assert wrong == {}


def last_attempts():
    """Of each message that the ledger has, the last one that it has of it."""
    return dict(Ledger.objects.order_by("id").values_list("message_id", "note"))


def test_a_sender_that_waits_for_a_killed_worker_gets_its_reply_from_another(
    backend, worker_process, neighbours
):
    first = worker_process("--no-supervise", settings=QUICK)
    first.wait_for_output("worker starts")
    scribe, tally = Scribe.get_or_create("waiting"), Tally.get_or_create("waiting")
    asked = neighbours().start(scribe.ask, Scribe.scribble, {"value": 1, "seconds": 1.0}, timeout=40)
    eventually(lambda: ledger("waiting"))
    queued = neighbours().start(tally.ask, Tally.increment, Increment(amount=5), timeout=40)
    first.kill()
    worker_process("--no-supervise", settings=QUICK)
    assert asked.result(timeout=40) == 1  # its state is that of one attempt, not of two
    assert queued.result(timeout=40).value == 5
    assert ledger("waiting") == [1, 1]
