from contextlib import contextmanager
from types import SimpleNamespace
from uuid import uuid4

import pytest

from actorqueues.client.depth import gauge
from actorqueues.definitions.abort import AbortController
from actorqueues.definitions.context import current_delivery


@pytest.fixture(autouse=True)
def no_credit_from_other_tests():
    gauge.forget()


class FakeDelivery:
    """A delivery as the client sees it: it keeps what it is given."""

    in_atomic = False

    def __init__(self, *chain, user_id=None):
        self.controller = AbortController()
        self.message = SimpleNamespace(id=uuid4().hex, signal=self.controller.signal)
        self.actor_id = uuid4()
        self.actor_type = "ledger"
        self.user_id = user_id
        self.waiting_chain = chain or ("ledger/me",)
        self.sent = []
        self.calls = 0
        self.lent = 0

    def buffer_send(self, outgoing):
        self.sent.extend(outgoing)

    def next_call_number(self):
        self.calls += 1
        return self.calls

    @contextmanager
    def lend_lane(self):
        self.lent += 1
        yield

    def retried(self):
        """The next attempt at the same message."""
        again = FakeDelivery(*self.waiting_chain, user_id=self.user_id)
        again.message = SimpleNamespace(id=self.message.id, signal=again.controller.signal)
        return again


@pytest.fixture
def delivery():
    """Runs the test as if it were the handler of a message."""
    made = FakeDelivery()
    with in_hand(made):
        yield made


@contextmanager
def in_hand(delivery):
    token = current_delivery.set(delivery)
    try:
        yield delivery
    finally:
        current_delivery.reset(token)
