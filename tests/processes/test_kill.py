"""Workers that die without a word, with messages in flight."""

import time

from actorqueues.models import ActorInstance, Worker
from tests.playground.actors import Increment, Scribe, Tally
from tests.processes.evidence import (
    POLL,
    QUICK,
    SLACK,
    all_settled,
    crashes_of,
    eventually,
    in_flight,
    ledger,
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
    eventually(lambda: len(ledger("a slow")) >= 5 and len(ledger("b atomic")) >= 5)
    first.kill()
    marked = in_flight()
    assert marked, "the worker was killed too early or too late"
    held = list(ActorInstance.objects.awake().values_list("id", flat=True))

    second = worker_process("--no-supervise", settings=QUICK)
    (dead,) = worker_ids()
    second.wait_for_output("worker starts")
    expires_at, ready_at = Worker.objects.get(id=dead).expires_at.timestamp(), time.time()
    eventually(lambda: not ActorInstance.objects.filter(id__in=held, worker_id=dead).exists())
    eventually(lambda: ActorInstance.objects.filter(id__in=held).awake().exists())
    assert time.time() < max(expires_at, ready_at) + 2 * POLL + SLACK

    counted = {}

    def crashes_are_counted():
        """An attempt is counted for every start mark that had committed."""
        for uid, crashes in crashes_of(marked).items():
            counted[uid] = max(crashes, counted.get(uid, 0))
        return all(counted[uid] == before + 1 for uid, before in marked.items())

    eventually(crashes_are_counted, every=0.005)
    eventually(all_settled)
    nothing_is_lost_doubled_or_out_of_order()


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


def test_workers_that_are_killed_again_and_again_lose_and_double_nothing(backend, worker_process):
    quick = {**QUICK, "LEASE": 1.5}
    workers = [worker_process("--no-supervise", settings=quick) for _ in range(2)]
    for worker in workers:
        worker.wait_for_output("worker starts")
    send_a_lot()
    for turn in range(3):
        written = sum(len(ledger(f"{key} slow")) for key in KEYS)
        eventually(
            lambda least=written + 4: (
                sum(len(ledger(f"{key} slow")) for key in KEYS) >= least or all_settled()
            )
        )
        workers[turn % 2].kill()
        workers[turn % 2] = worker_process("--no-supervise", settings=quick)
    eventually(all_settled, timeout=60)
    nothing_is_lost_doubled_or_out_of_order()
