"""Django's own test cases, with the mixin."""

import asyncio
import unittest

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase

from actorqueues import WaitInTransaction, clock
from actorqueues.client import waiting
from actorqueues.models import ActorInstance
from actorqueues.storage import sending
from actorqueues.testing import ActorTestMixin
from tests.fixtures.transactions import rolled_back
from tests.playground.models import Ledger
from tests.testing.actors import Abacus, Add, Clerk, Total


class InTransaction(ActorTestMixin, TestCase):
    def test_ask(self):
        assert connection.in_atomic_block
        assert Abacus.get_or_create("a").ask(Abacus.add, {"amount": 5}) == Total(total=5)
        assert Clerk.get_or_create("c").ask(Clerk.enter, Add(amount=3)) == 2
        assert Clerk.get_or_create("c").ask(Clerk.enter_async, Add(amount=3)) == 2
        self.actors.clock.advance(minutes=5)

    def test_an_inner_transaction_cannot_wait(self):
        with transaction.atomic(), pytest.raises(WaitInTransaction):
            Abacus.get_or_create("a").ask(Abacus.add, {"amount": 5})

    def test_the_runs_of_a_savepoint_go_with_it(self):
        with rolled_back("default"):
            Clerk.get_or_create("c").send(Clerk.enter, Add())
            self.actors.run_until_idle()
            assert Ledger.objects.count() == 1
        assert Ledger.objects.count() == 0
        assert ActorInstance.objects.count() == 0
        self.actors.assert_not_sent(Clerk.enter)
        self.actors.run_until_idle()

    async def test_async(self):
        abacus = Abacus.get_or_create("a")
        assert await abacus.aask(Abacus.add, {"amount": 5}) == Total(total=5)
        await abacus.asend(Abacus.add, {"amount": 1})
        replies = await asyncio.gather(*(abacus.aask(Abacus.add, Add()) for _ in range(3)))
        assert sorted(reply.total for reply in replies) == [7, 8, 9]
        await Clerk.get_or_create("c").asend(Clerk.enter_async, Add())
        await self.actors.arun_until_idle()
        assert await Ledger.objects.acount() == 1
        assert await self.actors.astate(Abacus, "a") == {"total": 9}
        assert await sync_to_async(lambda: connection.in_atomic_block)()
        self.actors.assert_sent(Abacus.add, key="a", times=5)


class Committed(ActorTestMixin, TransactionTestCase):
    def test_ask(self):
        assert not connection.in_atomic_block
        assert Abacus.get_or_create("a").ask(Abacus.add, {"amount": 5}) == Total(total=5)


class WithoutMixin(TestCase):
    def test_ask(self):
        with self.assertRaisesMessage(WaitInTransaction, "actorqueues.testing"):
            Abacus.get_or_create("a").ask(Abacus.add, {"amount": 5})


CASES = [
    case
    for suite in (InTransaction, Committed, WithoutMixin)
    for case in unittest.defaultTestLoader.loadTestsFromTestCase(suite)
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id().split(".", 3)[-1])
def test_case(case, django_db_setup, django_db_blocker):
    """Run by unittest, as ``manage.py test`` does."""
    with django_db_blocker.unblock():
        result = unittest.TestResult()
        unittest.TestSuite([case]).run(result)
    assert not [text for _, text in result.errors + result.failures]
    assert result.testsRun == 1
    assert waiting.inline_runner is None
    assert sending.observer is None
    assert not clock.offset


# Collected only through test_case.
for suite in (InTransaction, Committed, WithoutMixin):
    suite.__test__ = False
