"""Handlers that end the process, block its event loop or never return: they cannot hold others up for long."""

from actorqueues.models import Message
from tests.playground.actors import Scribe, Tally
from tests.processes.evidence import QUICK, dead_letters, eventually, ledger


def test_a_handler_that_ends_the_process_is_given_up_and_others_go_on(backend, worker_process):
    worker = worker_process(settings={**QUICK, "LEASE": 1, "MAX_CRASHES": 2})
    deadly = Scribe.get_or_create("deadly")
    lost = deadly.send(Scribe.vanish, {"value": 1}, track=True)
    worker.wait_for_output("died (exit code 9)")
    # Only now: what is in flight at both deaths is as suspicious as their cause.
    Tally.get_or_create("other").send_many(Tally.increment, [{"amount": 1}] * 100)
    (letter,) = eventually(dead_letters)
    assert (letter.uid.hex, letter.reason, letter.crashes, letter.failures) == (lost.id, "crashed", 2, 0)
    assert deadly.wait_for(lost, timeout=10).status == "failed"
    # What came after it is not held up any more, and the others were not for longer than the restarts took.
    assert deadly.ask(Scribe.record, {"value": 2}, timeout=20) == 1
    assert Tally.get_or_create("other").ask(Tally.increment, {"amount": 1}, timeout=20).value == 101
    assert worker.output.count("died (exit code 9)") == 2


def test_a_blocked_event_loop_is_reported_and_ends_its_worker_so_that_others_go_on(backend, worker_process):
    worker = worker_process(settings={**QUICK, "LEASE": 1, "STALL_LIMIT": 1.5, "MAX_CRASHES": 1})
    Tally.get_or_create("other").ask(Tally.increment, {"amount": 1}, timeout=30)
    Scribe.get_or_create("blocking").send(Scribe.block_loop, {"seconds": 600})
    worker.wait_for_output("the event loop is blocked")
    value = Tally.get_or_create("other").ask(Tally.increment, {"amount": 1}, timeout=40)
    assert value.value == 2
    assert "in block_loop" in worker.output, "the stack says who blocks it"
    assert "died (exit code 70)" in worker.output
    assert [letter.reason for letter in eventually(dead_letters)] == ["crashed"]


def test_threads_that_never_end_hold_their_lanes_and_nothing_else(backend, worker_process):
    worker = worker_process("--no-supervise", "--lanes", "2", settings={**QUICK, "GRACE": 0.2})
    Scribe.get_or_create("stuck").send(Scribe.block, {"seconds": 600})
    Scribe.get_or_create("writing").send_many(Scribe.record, [{"value": value} for value in range(20)])
    Tally.get_or_create("async").send_many(Tally.increment, [{"amount": 1}] * 50)
    eventually(lambda: ledger("writing") == list(range(20)))
    assert Tally.get_or_create("async").ask(Tally.increment, {"amount": 1}, timeout=20).value == 51
    worker.terminate()
    assert worker.wait() == 0
    assert Message.objects.values_list("crashes", "failures", "started_at").get() == (0, 0, None)
