"""SIGTERM and SIGINT: nothing is lost, and no attempt is burnt unless the worker is forced."""

import signal
import time

import psutil

from actorqueues.models import ActorInstance, Message
from tests.fixtures.backends import only_sqlite
from tests.playground.actors import Scribe, Tally, Teller
from tests.processes.evidence import QUICK, SLACK, all_settled, eventually, in_flight, ledger, worker_ids

PATIENT = {**QUICK, "LEASE": 30}  # nobody takes over by expiry in these tests: leases are given back
HURRIED = {**PATIENT, "GRACE": 0.5}


def started(worker_process, *options, settings):
    worker = worker_process("--no-supervise", *options, settings=settings)
    worker.wait_for_output("worker starts")
    return worker


def ask_for(neighbour, key, handler, **body):
    return neighbour.start(Scribe.get_or_create(key).ask, handler, body, timeout=40)


def test_a_stop_waits_for_running_handlers_and_leaves_the_rest_to_others_at_once(
    backend, worker_process, neighbours
):
    first = started(worker_process, settings=PATIENT)
    slow = ask_for(neighbours(), "sync", Scribe.scribble, value=1, seconds=1.5)
    slow_async = ask_for(neighbours(), "async", Scribe.doze, value=1, seconds=1.5)
    eventually(lambda: len(in_flight()) == 2)
    later = ask_for(neighbours(), "sync", Scribe.scribble, value=2)
    second = started(worker_process, settings=PATIENT)
    first.terminate()
    assert first.wait() == 0, first.output
    ended_at = time.monotonic()
    assert (slow.result(timeout=10), slow_async.result(timeout=10), later.result(timeout=10)) == (1, 1, 2)
    assert time.monotonic() < ended_at + SLACK, "the leases did not come back at once"
    assert ledger("sync") == [1, 2]
    assert len(worker_ids()) == 1, "a worker that stopped has no row"
    assert "worker stops (SIGTERM)" in first.output
    assert "Traceback" not in first.output + second.output


def test_what_is_over_its_grace_is_returned_uncounted(backend, worker_process):
    first = started(worker_process, settings=HURRIED)
    Scribe.get_or_create("async").send(Scribe.doze, {"value": 1, "seconds": 600})
    Scribe.get_or_create("thread").send(Scribe.block, {"seconds": 600})
    Scribe.get_or_create("clinging").send(Scribe.cling, {"seconds": 600})
    eventually(lambda: len(in_flight()) == 3)
    # A thread that never ends costs nobody else anything.
    assert Scribe.get_or_create("other").ask(Scribe.record, {"value": 7}, timeout=20) == 1
    first.terminate()
    asked_at = time.monotonic()
    assert first.wait() == 0, first.output
    assert time.monotonic() < asked_at + 0.5 + 4 + SLACK
    counts = dict(Message.objects.values_list("actor__key", "crashes"))
    failures = set(Message.objects.values_list("failures", "retry_at"))
    assert failures == {(0, None)}
    assert counts == {"async": 0, "thread": 0, "clinging": 0}
    flying = set(Message.objects.in_flight().values_list("actor__key", flat=True))
    assert flying <= {"clinging"}, "they are no longer in flight"
    assert worker_ids() == set()


def test_a_second_signal_ends_at_once_and_loses_nothing(backend, worker_process):
    first = started(worker_process, settings={**QUICK, "GRACE": 60})
    Scribe.get_or_create("sync").send(Scribe.scribble, {"value": 1, "seconds": 3})
    Tally.get_or_create("more").send_many(Tally.increment, [{"amount": 1}] * 50)
    eventually(lambda: ledger("sync"))
    first.signal(signal.SIGINT)
    first.wait_for_output("worker stops")
    first.signal(signal.SIGINT)
    asked_at = time.monotonic()
    assert first.wait() == 1
    assert time.monotonic() < asked_at + SLACK
    worker_process("--no-supervise", settings=QUICK)
    eventually(all_settled)
    assert Scribe.get_or_create("sync").get_state() == {"values": [1]}
    assert Tally.get_or_create("more").get_state().value == 50


def test_a_handler_that_is_cancelled_after_its_last_effect_gets_its_settlement_committed(
    backend, worker_process, neighbours
):
    """The commit has to wait, for somebody else's lock, until the grace period is over and longer."""
    first = started(worker_process, settings={**PATIENT, "GRACE": 0.2})
    teller = Teller.get_or_create("main")
    slip = {"sender": "test", "number": 1, "seconds": 1.0}
    asked = neighbours().start(teller.ask, Teller.slips, slip, timeout=60)
    eventually(in_flight)
    other = neighbours()
    other.begin(backend)  # on SQLite this alone keeps everybody else from writing
    other.do(lambda: list(ActorInstance.objects.select_for_update().filter(key="main")))
    time.sleep(1.2)  # it has returned from its sleep, and waits for its commit
    first.terminate()
    first.wait_for_output("worker stops")
    time.sleep(0.7)
    assert Message.objects.exists(), "its commit has to wait"
    other.roll_back()
    assert first.wait() == 0, first.output
    # On a machine that is much too slow the worker has left before: then the message goes back, uncounted.
    left = list(Message.objects.values_list("failures", "retry_at"))
    assert left in ([], [(0, None)])
    assert teller.get_state().count == 1 - len(left)
    worker_process("--no-supervise", settings=PATIENT)
    assert asked.result(timeout=60).number == 1
    assert teller.get_state().runs == {"test": [(1, 1)]}
    assert teller.get_state().disorder == []


@only_sqlite
def test_signals_reach_a_worker_whose_event_loop_is_blocked(backend, worker_process):
    worker = started(worker_process, settings=QUICK)
    Scribe.get_or_create("main").send(Scribe.block_loop, {"seconds": 600})
    worker.wait_for_output("the event loop is blocked")
    # Two signals of a kind that are pending together are one.
    eventually(lambda: worker.terminate() or worker.returncode is not None, every=0.3)
    assert worker.returncode == 1


@only_sqlite
def test_a_worker_whose_supervisor_is_killed_ends(backend, worker_process):
    supervisor = worker_process(settings=PATIENT)
    supervisor.wait_for_output("worker starts")
    Scribe.get_or_create("main").send(Scribe.scribble, {"value": 1, "seconds": 0.5})
    eventually(lambda: ledger("main"))
    children = [psutil.Process(pid) for pid in supervisor.children()]
    supervisor.kill()
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert Scribe.get_or_create("main").get_state() == {"values": [1]}
    assert worker_ids() == set()
