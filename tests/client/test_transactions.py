import pytest
from django.db import transaction

from actorqueues.exceptions import TransactionMismatch
from actorqueues.models import Message
from actorqueues.wakeups import local
from tests.client.actors import Increment, Ledger
from tests.fixtures.transactions import rolled_back

ONE = Increment(amount=1)


@pytest.fixture
def elsewhere(backend):
    return "postgresql" if backend == "default" else "default"


def test_a_transaction_on_another_database_alone_is_refused(backend, elsewhere):
    handle = Ledger.get_or_create("a")
    with transaction.atomic(using=elsewhere):
        with pytest.raises(TransactionMismatch, match=f'open on "{elsewhere}"'):
            handle.send(Ledger.increment, ONE)
        with pytest.raises(TransactionMismatch):
            handle.ask(Ledger.increment, ONE)
        handle.send(Ledger.increment, ONE, detached=True)
        with transaction.atomic(using=backend):
            handle.send(Ledger.increment, ONE)
    assert Message.objects.count() == 2


def test_a_detached_send_stays_when_the_other_transaction_is_rolled_back(backend, elsewhere):
    with rolled_back(elsewhere):
        Ledger.get_or_create("a").send(Ledger.increment, ONE, detached=True)
    assert Message.objects.count() == 1


def test_the_hint_leaves_after_the_commit_and_never_after_a_rollback(backend):
    hints = []

    def on_hint(topic, ids):
        hints.append((topic, len(ids), Message.objects.using(backend).count()))

    local.add(backend, "work", on_hint)
    try:
        handle = Ledger.get_or_create("a")
        with transaction.atomic(using=backend):
            handle.send(Ledger.increment, ONE)
            assert hints == []
        assert hints == [("work", 1, 1)]
        with rolled_back(backend):
            handle.send(Ledger.increment, ONE)
        handle.send(Ledger.increment, ONE)
    finally:
        local.remove(backend, "work", on_hint)
    assert hints == [("work", 1, 1), ("work", 1, 2)]


def test_a_savepoint_that_is_rolled_back_takes_its_send_with_it(backend):
    with transaction.atomic(using=backend):
        Ledger.get_or_create("a").send(Ledger.increment, ONE)
        with rolled_back(backend):
            Ledger.get_or_create("a").send_many(Ledger.increment, [ONE, ONE])
    assert Message.objects.count() == 1
