"""A message in backoff is tried now, and a holder is never worked around."""

from actorqueues.models import Message, Wake
from actorqueues.storage.hastening import Hastened, hasten_retries
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
    assert hasten_retries(actor.actor_id, using=backend) == Hastened(1, held=False)
    assert Wake.objects.get().actor_id == actor.actor_id
    assert row_of(actor.actor_id).epoch > actor.epoch + 1  # beyond the release's own
    [again] = holder.claim(actor.actor_id)
    [head] = heads_of(backend, again.actor_id)
    assert (head.retry_at, head.failures) == (None, 1)
    assert Hastened(0, held=True) == hasten_retries(actor.actor_id, using=backend)


def test_only_the_message_that_is_meant_and_only_what_waits(backend):
    _holder, actor = failed_and_released(backend)
    assert hasten_retries(actor.actor_id, to().uid, using=backend) == Hastened(0, held=False)
    assert hasten_retries(to("nobody").actor_id, using=backend) == Hastened(0, held=False)
    assert not Wake.objects.exists()
    assert hasten_retries(actor.actor_id, Message.objects.get().uid, using=backend).messages == 1
    assert hasten_retries(actor.actor_id, using=backend) == Hastened(0, held=False)


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
    assert hastening.result(timeout=20) == Hastened(0, held=True)
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
