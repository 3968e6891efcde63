"""Sends and waits of a running handler."""

import asyncio
import json

import pytest
from django.db import connections, transaction

from actorqueues.exceptions import (
    ActorAborted,
    ActorNotFound,
    IdempotencyMismatch,
    MessageUnknown,
    QueueFull,
    WaitInTransaction,
    WaitOnSelf,
)
from actorqueues.models import Message
from tests.client.actors import Increment, Ledger, Value
from tests.client.conftest import FakeDelivery, in_hand
from tests.client.outcomes import settle_next
from tests.fixtures.transactions import rolled_back

ONE = Increment(amount=1)


@pytest.fixture
def handle():
    return Ledger.get_or_create("other")


def test_a_send_waits_for_its_delivery(backend, handle, delivery):
    delivery.user_id = "7"
    receipt = handle.send(Ledger.increment, ONE)
    assert Message.objects.count() == 0
    assert [(one.uid.hex, one.queue, one.user_id) for one in delivery.sent] == [
        (receipt.id, "increment", "7")
    ]
    assert receipt.deduplicated is None
    handle.send_many(Ledger.increment, [ONE, ONE])
    assert len(delivery.sent) == 3


def test_a_send_on_the_event_loop_is_handed_over_without_asking_the_database(backend, handle, delivery):
    handle.send(Ledger.increment, ONE)  # gets credit

    async def send():
        for _ in range(10):
            await handle.asend(Ledger.increment, ONE)
        with pytest.raises(ActorNotFound):
            await Ledger.get("nobody").asend(Ledger.increment, ONE)

    asyncio.run(send())
    assert len(delivery.sent) == 11


def test_waiting_for_a_buffered_receipt_is_refused_at_once(backend, handle, delivery):
    receipt = handle.send(Ledger.increment, ONE)
    with pytest.raises(WaitInTransaction, match="now=True"):
        handle.wait_for(receipt)
    with pytest.raises(WaitInTransaction):
        asyncio.run(handle.await_for(receipt))
    with in_hand(None), pytest.raises(MessageUnknown):
        handle.wait_for(receipt, timeout=1)  # its delivery failed: it was never sent


def test_refusals_reach_the_handler_not_the_commit(backend, handle, delivery):
    with pytest.raises(ActorNotFound):
        Ledger.get("nobody").send(Ledger.increment, ONE)
    with pytest.raises(QueueFull):
        handle.send_many(Ledger.small, [ONE] * 4)
    with in_hand(None):
        handle.send(Ledger.note, ONE, idempotency_key="k", user=None)
    with pytest.raises(IdempotencyMismatch):
        handle.send(Ledger.note, Increment(amount=2), idempotency_key="k", user=None)
    assert delivery.sent == []


def test_a_send_in_the_handlers_own_transaction_is_rolled_back_with_that(backend, handle, delivery):
    with rolled_back(backend):
        handle.send(Ledger.increment, ONE)
    assert delivery.sent == []
    with transaction.atomic(using=backend):
        handle.send(Ledger.increment, ONE)
        assert delivery.sent == []
    assert len(delivery.sent) == 1


def test_a_send_inside_message_atomic_joins_that_transaction(backend, handle, delivery):
    delivery.in_atomic = True
    with transaction.atomic(using=backend):
        receipt = handle.send(Ledger.increment, ONE)
        with pytest.raises(WaitInTransaction):
            handle.ask(Ledger.increment, ONE)
    assert receipt.deduplicated is False
    assert delivery.sent == []
    assert Message.objects.count() == 1


def test_now_leaves_at_once_and_a_retry_finds_the_first_one(backend, handle, delivery):
    first = handle.send(Ledger.note, ONE, now=True)
    second = handle.send(Ledger.note, ONE, now=True)
    assert (first.deduplicated, second.deduplicated) == (False, False)
    assert Message.objects.count() == 2
    Message.objects.all().delete()  # both were handled meanwhile
    with in_hand(delivery.retried()):
        again = handle.send(Ledger.note, ONE, now=True)
        assert (again.id, again.deduplicated) == (first.id, True)
        assert handle.send(Ledger.note, ONE, now=True).id == second.id
        assert handle.send(Ledger.note, ONE, now=True).deduplicated is False
    assert Message.objects.count() == 1


def test_a_wait_lends_its_lane_and_a_retry_finds_the_first_ones_outcome(
    backend, handle, delivery, neighbours
):
    neighbours().start(settle_next, {"value": 5}, using=backend)
    assert handle.ask(Ledger.increment, ONE, timeout=20) == Value(value=5)
    assert delivery.lent == 1
    with in_hand(delivery.retried()):
        assert handle.ask(Ledger.increment, ONE, timeout=20) == Value(value=5)
    assert Message.objects.count() == 0


def test_a_message_that_is_waited_for_carries_the_chain_of_those_who_wait(backend, handle):
    with in_hand(FakeDelivery("ledger/first", "ledger/me")):
        assert handle.send(Ledger.increment, ONE, wait=True, timeout=0.01).status == "timed_out"
        handle.send(Ledger.note, ONE, now=True)  # nobody waits for this one
    waited, plain = Message.objects.order_by("id")
    assert json.loads(waited.meta) == {"chain": ["ledger/first", "ledger/me"]}
    assert plain.meta is None


def test_a_circle_of_waiting_actors_is_refused_and_named(backend, handle):
    with in_hand(FakeDelivery("ledger/other", "ledger/me")):
        with pytest.raises(WaitOnSelf, match="ledger/other → ledger/me → ledger/other"):
            handle.ask(Ledger.increment, ONE)
        with pytest.raises(WaitOnSelf):
            asyncio.run(Ledger.get_or_create("me").asend(Ledger.increment, ONE, wait=True))
        handle.send(Ledger.increment, ONE)  # without waiting it may
    assert Message.objects.count() == 0


def test_a_handler_waits_a_minute_at_most(backend, handle, delivery, monkeypatch):
    monkeypatch.setattr("actorqueues.client.waiting.LONGEST_IN_DELIVERY", 0.05)
    assert handle.send(Ledger.increment, ONE, wait=True, timeout=30).status == "timed_out"
    assert asyncio.run(handle.asend(Ledger.increment, ONE, wait=True, timeout=30)).status == "timed_out"


def test_an_aborted_handler_waits_no_longer(backend, handle, delivery, neighbours):
    neighbours().start(abort_when_waiting, delivery, backend)
    with pytest.raises(ActorAborted):
        handle.ask(Ledger.increment, ONE, timeout=30)


def abort_when_waiting(delivery, using):
    from actorqueues.client.hub import hub_of

    while not hub_of(using).waiting:
        pass
    delivery.controller.abort("shutdown")
    connections.close_all()


def test_the_user_of_the_delivery_travels_on_and_can_be_dropped(backend, handle, delivery):
    delivery.user_id = "7"
    handle.send(Ledger.note, ONE)
    handle.send(Ledger.note, ONE, user=None)
    handle.send(Ledger.note, ONE, user=8)
    assert [one.user_id for one in delivery.sent] == ["7", None, "8"]
