"""Handlers that end the process, block its event loop or never return: they cannot hold others up for long."""

import time

from actorqueues.models import Message
from tests.playground.actors import Scribe, Tally
from tests.processes.evidence import QUICK, SLACK, all_settled, dead_letters, eventually, ledger

SOON = 5 + SLACK  # seconds in which others make progress again


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


def test_others_do_not_wait_for_an_actor_that_ends_one_worker_after_the_other(backend, worker_process):
    settings = {**QUICK, "LEASE": 1, "MAX_CRASHES": 3}
    workers = [worker_process(settings=settings) for _ in range(2)]
    for worker in workers:
        worker.wait_for_output("worker starts")
    Scribe.get_or_create("deadly").send(Scribe.vanish, {"value": 1})
    assert longest_wait_until(dead_letters) < SOON
    assert sum(worker.output.count("died (exit code 9)") for worker in workers) == 3


def test_others_do_not_wait_for_actors_that_fill_the_journal_with_refused_operations(backend, worker_process):
    worker = worker_process("--no-supervise", settings=QUICK)
    worker.wait_for_output("worker starts")
    for key in ("a", "b", "c"):
        Scribe.get_or_create(key).send_many(Scribe.sabotage, [{"value": value} for value in range(20)])
    assert longest_wait_until(all_settled) < SOON
    assert worker.output.count("starts anew") >= 3
    for key in ("a", "b", "c"):
        assert Scribe.get_or_create(key).ask(Scribe.record, {"value": 1}, timeout=20) == 1
    assert dead_letters() == []


def longest_wait_until(condition):
    """Of somebody who asks other actors all the while: seconds."""
    waits, number = [], 0
    while not condition() or number < 10:
        number += 1
        began = time.monotonic()
        tally = Tally.get_or_create(f"other {number % 5}")
        tally.ask(Tally.increment, {"amount": 1}, timeout=60)
        waits.append(time.monotonic() - began)
        time.sleep(0.02)
    return max(waits)


def test_a_handler_that_is_over_its_time_after_its_last_effect_has_settled_its_message(
    backend, worker_process
):
    worker_process("--no-supervise", settings=QUICK)
    scribe = Scribe.get_or_create("main")
    assert scribe.ask(Scribe.overstay, {"value": 1, "seconds": 1.0}, timeout=30) == 1
    assert scribe.ask(Scribe.record, {"value": 2}, timeout=30) == 2
    assert ledger("main") == [1, 2]
    assert scribe.get_state() == {"values": [1, 2]}
    assert all_settled()
