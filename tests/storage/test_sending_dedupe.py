import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connections, transaction

from actorqueues import clock
from actorqueues.exceptions import IdempotencyMismatch
from actorqueues.models import Deduplication, Message, Outcome
from actorqueues.storage import deduplication
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.deduplication import find_first
from actorqueues.storage.ids import derived_uid
from actorqueues.storage.sending import Outgoing, Stored, store_messages
from tests.fixtures.backends import every_postgresql
from tests.fixtures.transactions import rolled_back
from tests.storage.outgoing import to


def store(outgoing, using):
    return store_messages([outgoing], using=using)[0]


def keep_outcome(uid, until):
    Outcome.objects.create(
        uid=uid,
        actor_id=to().actor_id,
        queue="increment",
        status="completed",
        settled_at=until,
        expires_at=until,
    )


@pytest.fixture
def moved_clock(monkeypatch):
    def move(**by):
        monkeypatch.setattr(clock, "offset", clock.offset + timedelta(**by))

    return move


def test_a_repeat_stores_nothing_and_gives_the_first_ones_id(backend):
    first = to(dedupe="a")
    assert store(first, backend) == Stored(first.uid, False)
    assert store(to(dedupe="a"), backend) == Stored(first.uid, True)
    assert Message.objects.count() == 1


def test_a_key_belongs_to_one_queue_of_one_actor(backend):
    for one in (to("a", dedupe="x"), to("b", dedupe="x"), to("a", "note", dedupe="x")):
        assert store(one, backend).deduplicated is False


def test_a_key_outlives_its_message_and_ends_with_its_window(backend, moved_clock):
    first = to(dedupe="a", window=300)
    store(first, backend)
    Message.objects.all().delete()
    assert store(to(dedupe="a"), backend) == Stored(first.uid, True)
    moved_clock(seconds=301)
    again = to(dedupe="a")
    assert store(again, backend) == Stored(again.uid, False)
    assert store(to(dedupe="a"), backend) == Stored(again.uid, True)


def test_equal_dedupe_keys_in_two_open_transactions_are_stored_once(backend, neighbours):
    one, other = neighbours(), neighbours()
    one.begin(backend)
    first = to(dedupe="a")
    assert one.do(store, first, backend).deduplicated is False

    def send_in_transaction():
        with transaction.atomic(using=backend):
            return store(to(dedupe="a"), backend)

    second = other.start(send_in_transaction)
    time.sleep(0.3)
    assert not second.done()  # it cannot know yet
    one.commit()
    assert second.result(timeout=10) == Stored(first.uid, True)
    assert Message.objects.count() == 1


def test_a_send_that_waited_for_a_rolled_back_key_is_the_first(backend, neighbours):
    one, other = neighbours(), neighbours()
    one.begin(backend)
    one.do(store, to(dedupe="a"), backend)
    second = to(dedupe="a")
    waiting = other.start(store, second, backend)
    time.sleep(0.2)
    one.roll_back()
    assert waiting.result(timeout=10) == Stored(second.uid, False)
    assert Message.objects.get().uid == second.uid


def test_a_rolled_back_send_frees_its_key(backend):
    with rolled_back(backend):
        store(to(dedupe="a"), backend)
    assert store(to(dedupe="a"), backend).deduplicated is False


@every_postgresql
def test_different_keys_in_two_open_transactions_never_wait(backend, neighbours):
    other = neighbours()
    other.begin(backend)
    other.do(store, to(dedupe="a"), backend)
    with transaction.atomic(using=backend), connections[backend].cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '200ms'")
        store(to(dedupe="b"), backend)
        store(to(), backend)
    other.commit()
    assert Message.objects.count() == 3


@every_postgresql
def test_waiting_for_an_equal_key_is_bounded(backend, neighbours, monkeypatch):
    monkeypatch.setattr(deduplication, "LOCK_WAIT", 0.2)
    other = neighbours()
    other.begin(backend)
    other.do(store, to(dedupe="a"), backend)
    with transaction.atomic(using=backend):
        with pytest.raises(OperationalError, match="lock timeout"):
            store(to(dedupe="a"), backend)
        store(to(), backend)  # the caller's transaction goes on
    other.roll_back()
    assert Message.objects.count() == 1


@every_postgresql
def test_the_callers_own_lock_timeout_is_put_back_and_never_raised(backend, neighbours):
    other = neighbours()
    other.begin(backend)
    other.do(store, to(dedupe="taken"), backend)
    with transaction.atomic(using=backend), connections[backend].cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '123ms'")
        store(to(dedupe="free"), backend)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("123ms",)
        started = time.monotonic()
        with pytest.raises(OperationalError):
            store(to(dedupe="taken"), backend)
        assert time.monotonic() - started < 2
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("123ms",)
    other.roll_back()


@every_postgresql
def test_two_batches_with_the_same_keys_in_other_orders_do_not_deadlock(backend, neighbours):
    keys = [str(number) for number in range(500)]
    one, other = neighbours(), neighbours()
    for _ in range(5):
        batches = ([to(dedupe=key) for key in keys], [to(dedupe=key) for key in reversed(keys)])
        running = [
            who.start(store_messages, batch, using=backend)
            for who, batch in ((one, batches[0]), (other, batches[1]))
        ]
        results = [future.result(timeout=30) for future in running]
        new = sum(not place.deduplicated for result in results for place in result)
        assert new == 500
        assert Message.objects.count() == 500
        Message.objects.all().delete()
        Deduplication.objects.all().delete()


def test_equal_keys_within_one_batch_are_stored_once(backend):
    outgoing = [to(dedupe="a"), to(), to(dedupe="b"), to(dedupe="a")]
    stored = store_messages(outgoing, using=backend)
    assert [place.deduplicated for place in stored] == [False, False, False, True]
    assert stored[3].uid == outgoing[0].uid


def test_a_cancelled_send_frees_its_key(backend):
    first = to(dedupe="a")
    first = Outgoing(**{**fields(first), "meta": f'{{"keys":["{first.dedupe.hex}"]}}'})
    store(first, backend)
    assert cancel_message(first.uid, actor_id=first.actor_id, using=backend)
    assert store(to(dedupe="a"), backend).deduplicated is False


def test_an_idempotency_key_refuses_another_body(backend):
    first = to(idempotency="k", fingerprint="one")
    store(first, backend)
    assert store(to(idempotency="k", fingerprint="one"), backend) == Stored(first.uid, True)
    with pytest.raises(IdempotencyMismatch):
        store(to(idempotency="k", fingerprint="two"), backend)
    assert find_first(to(idempotency="k", fingerprint="one"), using=backend) == Stored(first.uid, True)
    assert find_first(to(idempotency="other", fingerprint="one"), using=backend) is None


def test_an_idempotency_key_lives_while_its_message_or_its_outcome_does(backend, moved_clock):
    first = to(idempotency="k", fingerprint="one")
    store(first, backend)
    moved_clock(days=2)
    repeat = Stored(first.uid, True)
    assert store(to(idempotency="k", fingerprint="one"), backend) == repeat  # still waiting to be handled
    Message.objects.all().delete()
    keep_outcome(first.uid, first_expiry() + timedelta(days=3))
    assert store(to(idempotency="k", fingerprint="one"), backend) == repeat  # its outcome can still be had
    moved_clock(days=2)
    assert store(to(idempotency="k", fingerprint="two"), backend).deduplicated is False


def test_two_first_users_of_an_idempotency_key_at_once(backend, neighbours):
    one, other = neighbours(), neighbours()
    one.begin(backend)
    one.do(store, to(idempotency="k", fingerprint="one"), backend)
    second = other.start(store, to(idempotency="k", fingerprint="two"), backend)
    time.sleep(0.2)
    one.commit()
    with pytest.raises(IdempotencyMismatch):
        second.result(timeout=10)


def test_a_message_with_two_keys_leads_both_to_the_first_one(backend):
    first = to(dedupe="a")
    store(first, backend)
    repeat = Stored(first.uid, True)
    assert store(to(dedupe="a", idempotency="k", fingerprint="one"), backend) == repeat
    batch = [to(dedupe="b"), to(dedupe="b", idempotency="m", fingerprint="one")]
    stored = store_messages(batch, using=backend)
    assert stored == [Stored(batch[0].uid, False), Stored(batch[0].uid, True)]


def test_a_retried_delivery_finds_what_it_sent_at_once(backend):
    delivered = to().uid
    assert derived_uid(delivered, 1) != derived_uid(delivered, 2)
    one = Outgoing(**{**fields(to()), "uid": derived_uid(delivered, 1), "repeated": True})
    assert store(one, backend) == Stored(one.uid, False)
    assert store(one, backend) == Stored(one.uid, True)
    Message.objects.all().delete()
    assert store(one, backend) == Stored(one.uid, True)  # it was settled meanwhile
    assert Message.objects.count() == 0


def fields(outgoing):
    return {name: getattr(outgoing, name) for name in Outgoing.__dataclass_fields__}


def first_expiry():
    return Deduplication.objects.get().expires_at
