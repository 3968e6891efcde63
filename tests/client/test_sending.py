import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from actorqueues import CONTENT
from actorqueues.client.depth import gauge
from actorqueues.definitions.context import current_user
from actorqueues.exceptions import (
    ActorExists,
    ActorNotFound,
    BodyInvalid,
    IdempotencyMismatch,
    KeyInvalid,
    MessageTooLarge,
    QueueFull,
    UnknownQueue,
)
from actorqueues.models import ActorInstance, Message, Wake
from actorqueues.signals import message_sent
from tests.client.actors import Increment, Ledger
from tests.fixtures.transactions import rolled_back

ONE = Increment(amount=1)


def test_a_send_stores_a_message_and_a_wake(backend):
    receipt = Ledger.get_or_create("a").send(Ledger.increment, Increment(amount=2))
    row = Message.objects.get()
    assert (row.uid.hex, row.queue, row.body) == (receipt.id, "increment", '{"amount":2}')
    assert receipt.deduplicated is False
    assert Wake.objects.get().actor_id == row.actor_id


def test_queues_are_named_by_reference_by_name_and_by_attribute(backend):
    handle = Ledger.get_or_create("a")
    handle.send(Ledger.increment, ONE)
    handle.send("increment", {"amount": 1})
    handle.queue.increment.send(ONE)
    handle.queue["increment"].send(ONE)
    Ledger.increment.group("a").push(ONE)
    assert Message.objects.filter(queue="increment").count() == 5
    assert "increment" in dir(handle.queue)
    with pytest.raises(UnknownQueue, match="increment"):
        handle.send("incremet", ONE)
    with pytest.raises(UnknownQueue, match="increment"):
        handle.queue.incremet.send(ONE)


def test_messages_without_a_body_and_with_any(backend):
    handle = Ledger.get_or_create("a")
    handle.send(Ledger.bell)
    handle.send(Ledger.anything, [1, {"a": None}])
    assert list(Message.objects.order_by("id").values_list("body", flat=True)) == [None, '[1,{"a":null}]']
    with pytest.raises(BodyInvalid):
        handle.send("bell", {"amount": 1})


@pytest.mark.parametrize(
    ("queue", "body"),
    [
        (Ledger.increment, {"amount": "many"}),
        (Ledger.increment, None),
        (Ledger.anything, {"a": float("nan")}),
        (Ledger.anything, {"a": "\0"}),
        (Ledger.anything, {"a": "\ud800"}),
    ],
)
def test_what_cannot_be_delivered_is_refused_and_nothing_is_stored(backend, queue, body):
    with pytest.raises(BodyInvalid):
        Ledger.get_or_create("a").send(queue, body)
    assert Message.objects.count() == Wake.objects.count() == 0


def test_a_message_over_the_limit_is_refused_in_bytes_not_characters(backend, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "MAX_MESSAGE_BYTES": 100}
    handle = Ledger.get_or_create("a")
    handle.send(Ledger.anything, "x" * 98)
    handle.send(Ledger.anything, "é" * 49)
    with pytest.raises(MessageTooLarge, match="102 bytes"):
        handle.send(Ledger.anything, "é" * 50)
    with pytest.raises(MessageTooLarge):
        handle.send(Ledger.anything, "x", headers={"trace": "y" * 200})
    assert Message.objects.count() == 2


def test_options_travel_with_the_message(backend):
    moment = datetime(2040, 1, 1, tzinfo=UTC)
    handle = Ledger.get_or_create("a")
    handle.send(Ledger.note, ONE, at=moment, expires=moment, headers={"trace": "7"}, user=42, track=True)
    row = Message.objects.get()
    assert (row.scheduled_at, row.expires_at, row.user_id, row.keeps_outcome) == (moment, moment, "42", True)
    assert json.loads(row.meta) == {"headers": {"trace": "7"}}


def test_delay_and_expiry_are_seconds_or_timedelta(backend):
    Ledger.get_or_create("a").send(Ledger.note, ONE, delay=timedelta(minutes=1), expires=120)
    row = Message.objects.get()
    assert abs(row.scheduled_at - row.enqueued_at - timedelta(minutes=1)) < timedelta(seconds=1)
    assert abs(row.expires_at - row.enqueued_at - timedelta(minutes=2)) < timedelta(seconds=1)
    assert row.meta is None


@pytest.mark.parametrize(
    "options",
    [
        {"delay": 1, "at": timezone.now()},
        {"delay": -1},
        {"delay": float("inf")},
        {"at": datetime(2040, 1, 1)},
        {"expires": datetime(2040, 1, 1)},
        {"headers": {"a": 1}},
        {"headers": {"a": "\0"}},
        {"headers": {"a": "\ud800"}},
        {"idempotency_key": ""},
        {"dedupe": 1.5},
        {"user": True},
        {"prioriti": 1},
    ],
)
def test_wrong_options_are_refused_and_nothing_is_stored(backend, options):
    with pytest.raises((TypeError, ValueError)):
        Ledger.get_or_create("a").send(Ledger.increment, ONE, **options)
    assert Message.objects.count() == 0


def test_outcomes_are_kept_for_who_may_ask(backend):
    handle = Ledger.get_or_create("a")
    handle.send(Ledger.increment, ONE)  # its queue replies
    handle.send(Ledger.note, ONE)
    handle.send(Ledger.note, ONE, track=True)
    handle.send(Ledger.note, ONE, idempotency_key="k")
    kept = Message.objects.order_by("id").values_list("keeps_outcome", flat=True)
    assert list(kept) == [True, False, True, True]


def test_dedupe_by_key_by_content_and_by_the_queues_own_rule(backend):
    handle = Ledger.get_or_create("a")
    first = handle.send(Ledger.note, ONE, dedupe="order 7")
    again = handle.send(Ledger.note, Increment(amount=2), dedupe="order 7")
    assert (again.id, again.deduplicated) == (first.id, True)
    assert handle.send(Ledger.note, ONE, dedupe=("order", 7)).deduplicated is False
    assert handle.send(Ledger.note, ONE, dedupe=CONTENT).deduplicated is False
    assert handle.send(Ledger.note, ONE, dedupe=CONTENT).deduplicated is True
    assert handle.send(Ledger.once, ONE).deduplicated is False
    assert handle.send(Ledger.once, ONE).deduplicated is True
    assert handle.send(Ledger.once, Increment(amount=2)).deduplicated is False
    assert handle.send(Ledger.once, ONE, dedupe=None).deduplicated is False


def test_the_fluent_way_dedupes_too_and_needs_a_group(backend):
    push = Ledger.increment.group("a").dedupe("order", 7)
    assert push.push(ONE).deduplicated is False
    assert push.push(ONE).deduplicated is True
    with pytest.raises(KeyInvalid):
        Ledger.increment.push(ONE)


def test_an_idempotency_key_is_the_users_own(backend):
    handle = Ledger.get_or_create("a")
    first = handle.send(Ledger.note, ONE, idempotency_key="k", user=1)
    assert handle.send(Ledger.note, ONE, idempotency_key="k", user=1).id == first.id
    assert handle.send(Ledger.note, ONE, idempotency_key="k", user=2).id != first.id
    assert handle.send(Ledger.note, ONE, idempotency_key="k", user=None).id != first.id
    with pytest.raises(IdempotencyMismatch):
        handle.send(Ledger.note, Increment(amount=2), idempotency_key="k", user=1)


def test_a_cancelled_message_frees_its_keys(backend):
    handle = Ledger.get_or_create("a")
    receipt = handle.send(Ledger.note, ONE, dedupe="d", idempotency_key="k")
    assert handle.cancel(receipt)
    assert not handle.cancel(receipt.id)
    assert (
        handle.send(Ledger.note, Increment(amount=2), dedupe="d", idempotency_key="k").deduplicated is False
    )


def test_a_send_joins_the_callers_transaction(backend):
    with rolled_back(backend):
        Ledger.get_or_create("a").send(Ledger.increment, ONE)
    assert Message.objects.count() == 0


def test_a_handle_from_get_does_not_make_an_actor(backend):
    with pytest.raises(ActorNotFound, match="get_or_create"):
        Ledger.get("a").send(Ledger.increment, ONE)
    with pytest.raises(ActorNotFound):
        Ledger.get("a").send_many(Ledger.increment, [ONE, ONE])
    Ledger.create("a")
    Ledger.get("a").send(Ledger.increment, ONE)
    with pytest.raises(ActorExists):
        Ledger.create("a")
    assert Message.objects.count() == 1


def test_the_input_makes_the_row_with_the_first_message(backend):
    Ledger.get_or_create("a", input={"plan": "free"}).send(Ledger.increment, ONE)
    assert ActorInstance.objects.get().input == '{"plan":"free"}'
    Ledger.create("b", input=[1])
    assert ActorInstance.objects.get(key="b").input == "[1]"
    with pytest.raises(BodyInvalid, match="input"):
        Ledger.get_or_create("a", input={"plan": float("nan")})


def test_a_handle_by_id_reaches_one_life_of_an_actor(backend):
    Ledger.create("a")
    actor_id = ActorInstance.objects.get().id
    handle = Ledger.get_for_id(f"{actor_id.hex}-1")
    assert handle.key == ("a",)
    handle.send(Ledger.increment, ONE)
    ActorInstance.objects.update(generation=2)
    for stale in (handle, Ledger.get_for_id(f"{actor_id.hex}-1")):
        with pytest.raises(ActorNotFound):
            stale.send(Ledger.increment, ONE)
    assert not handle.exists()
    Ledger.get_for_id(f"{actor_id.hex}-2").send(Ledger.increment, ONE)
    with pytest.raises(ActorNotFound):
        Ledger.get_for_id("nonsense")


def test_many_messages_keep_their_order_and_report_progress(backend):
    steps = []
    bodies = ({"amount": number} for number in range(2500))
    receipts = Ledger.get_or_create("a").send_many(Ledger.increment, bodies, progress=steps.append)
    assert steps == [1000, 2000, 2500]
    stored = [
        json.loads(body)["amount"] for body in Message.objects.order_by("id").values_list("body", flat=True)
    ]
    assert stored == list(range(2500))
    assert len({receipt.id for receipt in receipts}) == 2500
    assert Ledger.get_or_create("a").send_many(Ledger.increment, []) == []


def test_many_messages_are_all_or_none(backend):
    handle = Ledger.get_or_create("a")
    with pytest.raises(BodyInvalid):
        handle.send_many(Ledger.increment, [ONE, {"amount": "many"}])
    with pytest.raises(QueueFull):
        handle.send_many(Ledger.small, [ONE] * 4)
    with pytest.raises(ValueError, match="one message"):
        handle.send_many(Ledger.increment, [ONE, ONE], idempotency_key="k")
    assert Message.objects.count() == 0
    stored = handle.send_many(Ledger.note, [ONE, Increment(amount=2), ONE], dedupe=CONTENT)
    assert [receipt.deduplicated for receipt in stored] == [False, False, True]


def test_a_full_queue_refuses_and_recovers(backend):
    handle = Ledger.get_or_create("a")
    for _ in range(3):
        handle.send(Ledger.small, ONE)
    with pytest.raises(QueueFull, match="Limit is 3 messages"):
        handle.send(Ledger.small, ONE)
    handle.send(Ledger.increment, ONE)  # another queue
    Message.objects.filter(queue="small").first().delete()
    gauge.forget()  # a refusal stands for a tenth of a second
    handle.send(Ledger.small, ONE)
    assert Message.objects.filter(queue="small").count() == 3


def test_a_repeat_is_found_although_the_queue_is_full(backend):
    handle = Ledger.get_or_create("a")
    first = handle.send(Ledger.small, ONE, idempotency_key="k")
    handle.send_many(Ledger.small, [ONE, ONE])
    assert handle.send(Ledger.small, ONE, idempotency_key="k").id == first.id
    with pytest.raises(QueueFull):
        handle.send(Ledger.small, ONE, idempotency_key="other")


def test_no_limit_is_no_limit(backend, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "MAX_DEPTH": None}
    Ledger.get_or_create("a").send_many(Ledger.increment, [ONE] * 10_001)
    assert Message.objects.count() == 10_001


def test_the_user_of_the_context_travels_with_the_message(backend):
    token = current_user.set("7")
    try:
        Ledger.get_or_create("a").send(Ledger.note, ONE)
        Ledger.get_or_create("a").send(Ledger.note, ONE, user=None)
    finally:
        current_user.reset(token)
    assert list(Message.objects.order_by("id").values_list("user_id", flat=True)) == ["7", None]


def test_a_user_object_is_its_primary_key_and_an_anonymous_one_nobody(backend):
    handle = Ledger.get_or_create("a")
    for user in (get_user_model()(pk=7), AnonymousUser(), SimpleLazyObject(lambda: get_user_model()(pk=8))):
        handle.send(Ledger.note, ONE, user=user)
    assert list(Message.objects.order_by("id").values_list("user_id", flat=True)) == ["7", None, "8"]


def test_message_sent_is_told_after_the_commit_and_never_of_repeats(backend):
    told = []

    def receiver(sender, **values):
        told.append((sender, values["message_id"], values["queue"], values["key"]))

    message_sent.connect(receiver)
    try:
        with transaction.atomic(using=backend):
            receipt = Ledger.get_or_create("a").send(Ledger.note, ONE, dedupe="d")
            assert told == []
        Ledger.get_or_create("a").send(Ledger.note, ONE, dedupe="d")
    finally:
        message_sent.disconnect(receiver)
    assert told == [(Ledger, receipt.id, "note", ("a",))]


def test_every_blocking_call_is_refused_on_a_running_event_loop(backend):
    handle = Ledger.get_or_create("a")
    calls = [
        lambda: handle.send(Ledger.increment, ONE),
        lambda: handle.send(Ledger.increment, ONE, wait=True),
        lambda: handle.ask(Ledger.increment, ONE),
        lambda: handle.send_many(Ledger.increment, [ONE]),
        lambda: handle.wait_for("x"),
        lambda: handle.call(Ledger.total),
        lambda: handle.cancel("x"),
        lambda: handle.events(),
        lambda: handle.follow("x"),
        lambda: handle.replay(),
        lambda: Ledger.create("b"),
        handle.get_state,
        handle.exists,
        handle.pause,
        handle.resume,
        handle.destroy,
        handle.dead_letters,
        Ledger.pause,
        Ledger.increment.resume,
    ]

    async def on_loop():
        for call in calls:
            with pytest.raises(SynchronousOnlyOperation, match="await a"):
                call()

    asyncio.run(on_loop())
    assert Message.objects.count() == ActorInstance.objects.count() == 0


def test_everything_has_an_async_twin(backend):
    async def on_loop():
        handle = await Ledger.acreate("a", input={"x": 1})
        receipt = await handle.asend(Ledger.increment, ONE)
        await handle.queue.increment.asend(ONE)
        await Ledger.increment.group("a").apush(ONE)
        await handle.asend_many(Ledger.increment, [ONE, ONE])
        assert await handle.aexists()
        assert (await handle.aget_state()).value == 0
        assert await handle.acall(Ledger.total) == 0
        assert await handle.acall(Ledger.atotal) == 0
        assert await handle.acancel(receipt)
        assert await handle.adead_letters() == []
        assert await handle.areplay() == []
        assert await handle.aevents() == []
        assert (await handle.await_for(receipt)).status == "failed"
        await handle.apause()
        await handle.aresume()
        await Ledger.apause()
        await Ledger.aresume()
        await Ledger.increment.apause()
        await Ledger.increment.aresume()
        await handle.adestroy()

    asyncio.run(on_loop())
    assert Message.objects.count() == 4
    assert ActorInstance.objects.get().status == "destroying"


def test_get_state_is_the_initial_one_before_there_is_a_row(backend):
    assert Ledger.get_or_create("a").get_state().value == 0
    with pytest.raises(ActorNotFound):
        Ledger.get("a").get_state()
    Ledger.create("a")
    assert Ledger.get("a").get_state().value == 0
    ActorInstance.objects.update(state='{"value":3,"names":[]}')
    state = Ledger.get("a").get_state()
    assert state.value == 3
    state.value = 4  # a copy
    assert Ledger.get("a").get_state().value == 3
