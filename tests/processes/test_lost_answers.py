"""Commits that were made and whose answer was lost: the database knows, the worker does not."""

import pytest

from tests.fixtures.backends import only_postgresql
from tests.playground.actors import Scribe, Tally
from tests.processes.evidence import QUICK, all_settled, eventually, ledger

pytestmark = only_postgresql
PATIENT = {**QUICK, "LEASE": 60, "SLEEP_AFTER": 60}  # neither a take-over nor a release helps


@pytest.fixture
def worker(worker_process, proxy):
    worker = worker_process("--no-supervise", settings=PATIENT, route=proxy.address)
    worker.wait_for_output("worker starts")
    return worker


def test_an_actor_that_was_claimed_without_an_answer_gets_its_mail_all_the_same(backend, worker, proxy):
    proxy.lose_answers("COMMIT", after="DELETE 1")  # of its wake
    Tally.get_or_create("main").send(Tally.increment, {"amount": 1})
    eventually(lambda: proxy.is_done)
    eventually(all_settled)
    assert "could not look for work, trying again" in worker.output
    assert Tally.get_or_create("main").ask(Tally.increment, {"amount": 1}, timeout=20).value == 2


def test_an_actor_claimed_without_an_answer_is_found_though_the_next_looks_fail_too(backend, worker, proxy):
    proxy.lose_answers("COMMIT", after="DELETE 1")
    Tally.get_or_create("main").send(Tally.increment, {"amount": 1})
    eventually(lambda: proxy.is_done)
    with proxy.refusing():
        eventually(lambda: worker.output.count("could not look for work, trying again") >= 3)
    eventually(all_settled)
    assert Tally.get_or_create("main").ask(Tally.increment, {"amount": 1}, timeout=20).value == 2


def test_a_journal_that_gets_no_answer_does_nothing_twice(backend, worker, proxy):
    relay = Scribe.get_or_create("main")
    relay.send(Scribe.relay, {"value": 1})
    eventually(lambda: heard() == [1])
    for value in range(2, 6):
        proxy.lose_answers("COMMIT", after="INSERT 0 1")  # of what it sends on
        relay.send(Scribe.relay, {"value": value})
        eventually(lambda: proxy.is_done)
    eventually(lambda: heard() == [1, 2, 3, 4, 5])
    eventually(all_settled)
    assert relay.get_state() == {"values": [1, 2, 3, 4, 5]}
    assert worker.output.count("the journal could not write, and tries again") == 4


def heard():
    return Scribe.get_or_create("main, heard").get_state()["values"]


def test_an_atomic_block_that_gets_no_answer_is_settled_once_if_its_message_is_gone(backend, worker, proxy):
    scribe = Scribe.get_or_create("main")
    scribe.ask(Scribe.record, {"value": 0}, timeout=20)
    for value in range(1, 5):
        proxy.lose_answers("COMMIT", after="INSERT 0 1")  # of its line
        assert scribe.ask(Scribe.record, {"value": value}, timeout=20) == value + 1
        assert proxy.is_done
    assert ledger("main") == [0, 1, 2, 3, 4]
    assert proxy.lost["COMMIT"] == 4
    assert "Traceback" not in worker.output, "it was no failure"
