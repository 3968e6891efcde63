"""A message in backoff is tried now, and a holder is never worked around."""

from actorqueues.models import HistoryEntry, Message, Wake
from actorqueues.storage.hastening import Hastened, hasten_retries, wake_actor
from actorqueues.storage.operations import Return
from tests.fixtures.backends import only_postgresql
from tests.storage.leases import Holder, begin, chain_of, failed_once, heads_of, held_actor, release, row_of
from tests.storage.outgoing import to
from tests.storage.waits import wait_for_lock


def failed_and_released(backend):
    """An actor whose one message waits for five minutes; nobody holds it."""
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    failed = (Return(failed_once(head), 300.0, "failed"),)
    [result] = holder.commit(chain_of(actor, begin(head), failed, release()))
    assert result.status == "committed"
    Wake.objects.all().delete()
    return holder, actor


def test_a_message_in_backoff_is_due_at_once_and_its_actor_is_found(backend):
    holder, actor = failed_and_released(backend)
    assert hasten_retries(actor.actor_id, using=backend) == Hastened(1, awake=False)
    assert Wake.objects.get().actor_id == actor.actor_id
    assert row_of(actor.actor_id).epoch > actor.epoch + 1  # beyond the release's own
    [again] = holder.claim(actor.actor_id)
    [head] = heads_of(backend, again.actor_id)
    assert (head.retry_at, head.failures) == (None, 1)
    assert Hastened(0, awake=True) == hasten_retries(actor.actor_id, using=backend)


def test_only_the_message_that_is_meant_and_only_what_waits(backend):
    _holder, actor = failed_and_released(backend)
    assert hasten_retries(actor.actor_id, to().uid, using=backend) == Hastened(0, awake=False)
    assert hasten_retries(to("nobody").actor_id, using=backend) == Hastened(0, awake=False)
    assert not Wake.objects.exists()
    assert hasten_retries(actor.actor_id, Message.objects.get().uid, using=backend).messages == 1
    assert hasten_retries(actor.actor_id, using=backend) == Hastened(0, awake=False)


def test_who_did_it_stands_in_the_history_and_nothing_that_was_not_done(backend):
    _holder, actor = failed_and_released(backend)
    HistoryEntry.objects.all().delete()
    message = Message.objects.get()
    hasten_retries(actor.actor_id, to().uid, user_id="7", using=backend)
    assert not HistoryEntry.objects.exists()
    hasten_retries(actor.actor_id, user_id="7", using=backend)
    entry = HistoryEntry.objects.get()
    assert (entry.kind, entry.queue, entry.message_uid) == ("retried", message.queue, message.uid)
    assert (entry.note, entry.user_id) == ("", "7")


def test_several_that_are_tried_at_once_are_one_entry(backend):
    _holder, actor = failed_and_released(backend)
    message = Message.objects.get()
    message.pk, message.uid, message.queue = None, to().uid, "other"
    message.save(force_insert=True)
    HistoryEntry.objects.all().delete()
    assert hasten_retries(actor.actor_id, using=backend).messages == 2
    entry = HistoryEntry.objects.get()
    assert (entry.kind, entry.note, entry.queue, entry.message_uid) == ("retried", "2 messages", "", None)


def test_a_waking_leaves_a_wake_and_an_entry(backend):
    _holder, actor = failed_and_released(backend)
    HistoryEntry.objects.all().delete()
    row = row_of(actor.actor_id)
    wake_actor(row.id, row.type, row.key, user_id="7", using=backend)
    assert Wake.objects.get().actor_id == actor.actor_id
    entry = HistoryEntry.objects.get()
    assert (entry.actor_id, entry.kind, entry.user_id) == (row.id, "woken", "7")


@only_postgresql
def test_it_waits_for_a_claim_that_is_under_way_and_leaves_its_mailbox_alone(backend, neighbours):
    _holder, actor = failed_and_released(backend)
    other = Holder(backend)
    worker, operator = neighbours(), neighbours()
    worker.begin(backend)
    assert worker.do(other.claim, actor.actor_id)
    hastening = operator.start(hasten_retries, actor.actor_id, using=backend)
    wait_for_lock(backend)
    worker.commit()
    assert hastening.result(timeout=20) == Hastened(0, awake=True)
    assert Message.objects.get().retry_at is not None


@only_postgresql
def test_a_claim_that_comes_meanwhile_is_put_off_until_it_sees_the_change(backend, neighbours):
    holder, actor = failed_and_released(backend)
    operator = neighbours()
    operator.begin(backend)
    assert operator.do(hasten_retries, actor.actor_id, using=backend).messages == 1
    assert holder.claim(actor.actor_id) == []
    operator.commit()
    assert holder.claim(actor.actor_id)
    assert heads_of(backend, actor.actor_id)[0].retry_at is None
