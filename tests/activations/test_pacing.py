"""Claims and handlers keep step with the journal."""

import time

import pytest
from django.db import OperationalError

from actorqueues import Actor, handler
from actorqueues.models import Message
from actorqueues.runtime import journal, leasing, mail
from actorqueues.storage.dialects import dialect_for
from tests.fixtures.workers import PATIENCE
from tests.processes.evidence import eventually

pytestmark = pytest.mark.usefixtures("empty_registry")


@pytest.fixture
def most(backend, monkeypatch):
    """A journal that commits two steps in ten milliseconds; what waited for it at most."""
    monkeypatch.setattr(type(dialect_for(backend)), "journal_batch", 2)
    seen = {"chains": 0, "steps": 0}
    take, commit = journal.JournalWriter.take, journal.commit_batch

    def counted(writer):
        seen["chains"] = max(seen["chains"], len(writer.dirty))
        seen["steps"] = max(seen["steps"], writer.waiting)
        return take(writer)

    def slow(*args, **options):
        time.sleep(0.01)
        return commit(*args, **options)

    monkeypatch.setattr(journal.JournalWriter, "take", counted)
    monkeypatch.setattr(journal, "commit_batch", slow)
    return seen


def quiet(self, body: int) -> None:
    """Does nothing."""


def test_a_backlog_is_not_claimed_faster_than_it_is_worked_off(most, start_worker, monkeypatch):
    class Sleeper(Actor):
        work = handler(quiet)

    monkeypatch.setattr(leasing, "CHUNK", 10)
    monkeypatch.setattr(leasing, "MOST_STARTING", 200)
    for number in range(200):
        Sleeper.get_or_create(number).send("work", number)
    start_worker(poll_interval=2)
    eventually(lambda: not Message.objects.exists())
    assert 4 < most["chains"] < 60


def test_actors_do_not_run_far_ahead_of_a_journal_that_is_behind(most, start_worker):
    class Sleeper(Actor):
        work = handler(quiet)

    for number in range(10):
        Sleeper.get_or_create(number).send_many("work", range(60))
    start_worker()
    eventually(lambda: Message.objects.count() < 400)
    assert 10 < most["steps"] < 100  # each of ten a few; 1,200 if each ran as far ahead as it may alone


def test_mailboxes_too_many_for_one_read_are_read_in_fewer(start_worker, monkeypatch):
    """As on a server that ends what takes too long: reading the same again would take as long again."""
    refused, read = [], mail.read_mail

    def read_few(requests, *, using):
        if len(requests) > 3:
            refused.append(len(requests))
            raise OperationalError("terminating connection due to transaction timeout")
        return read(requests, using=using)

    class Noter(Actor):
        @handler
        def note(self, body: int) -> int:
            return body

    monkeypatch.setattr(mail, "read_mail", read_few)
    monkeypatch.setattr(mail, "RETRY_PAUSE", 0.01)
    receipts = [
        (handle := Noter.get_or_create(key), handle.send("note", key, track=True)) for key in range(20)
    ]
    start_worker()
    results = [handle.wait_for(receipt, timeout=PATIENCE) for handle, receipt in receipts]
    assert [result.response for result in results] == list(range(20))
    assert refused, "they were read one by one"
