"""A state is edited only while nobody holds it, and only as it was seen."""

from django.db import transaction
from django.utils import timezone

from actorqueues.models import ActorInstance, HistoryEntry
from actorqueues.storage.actors import mark_destroying
from actorqueues.storage.editing import Edit, edit_state
from actorqueues.storage.operations import SaveState
from tests.fixtures.backends import only_postgresql
from tests.storage.leases import Holder, chain_of, held_actor, release, row_of
from tests.storage.outgoing import to
from tests.storage.waits import wait_for_lock


def asleep(backend):
    """An actor that nobody holds, its row, and a worker."""
    holder, actor = held_actor(backend)
    [result] = holder.commit(chain_of(actor, (SaveState('{"value":1}'),), release()))
    assert result.status == "committed"
    ActorInstance.objects.filter(id=actor.actor_id).update(initialised_at=timezone.now())
    return holder, row_of(actor.actor_id)


def test_a_sleeping_actors_state_is_replaced_and_its_history_says_who_did_it(backend):
    holder, row = asleep(backend)
    done = edit_state(row.id, '{"value":7}', epoch=row.epoch, user_id="3", using=backend)
    assert (done, row_of(row.id).state, row_of(row.id).epoch) == (Edit.DONE, '{"value":7}', row.epoch + 1)
    [entry] = HistoryEntry.objects.filter(actor_id=row.id)
    assert (entry.kind, entry.user_id) == ("edited", "3")
    [claimed] = holder.claim(row.id)
    assert claimed.state == '{"value":7}'


def test_what_a_worker_holds_is_left_alone(backend):
    holder, row = asleep(backend)
    holder.claim(row.id)
    assert edit_state(row.id, "{}", epoch=row_of(row.id).epoch, using=backend) is Edit.AWAKE
    assert row_of(row.id).state == '{"value":1}'
    assert not HistoryEntry.objects.exists()


def test_whoever_comes_second_is_told_that_it_has_changed(backend):
    _holder, row = asleep(backend)
    assert edit_state(row.id, '{"value":2}', epoch=row.epoch, using=backend) is Edit.DONE
    assert edit_state(row.id, '{"value":3}', epoch=row.epoch, using=backend) is Edit.CHANGED
    assert row_of(row.id).state == '{"value":2}'


def test_one_that_has_no_state_yet_is_left_alone(backend):
    _, row = asleep(backend)
    ActorInstance.objects.filter(id=row.id).update(initialised_at=None)
    assert edit_state(row.id, '{"value":7}', epoch=row.epoch, using=backend) is Edit.CHANGED


def test_there_is_nothing_to_edit_of_nobody_or_of_what_is_being_destroyed(backend):
    _holder, row = asleep(backend)
    assert edit_state(to("nobody").actor_id, "{}", epoch=1, using=backend) is Edit.GONE
    assert mark_destroying(row.id, row.type, row.key, using=backend)
    assert edit_state(row.id, "{}", epoch=row_of(row.id).epoch, using=backend) is Edit.GONE


def test_a_journal_that_comes_late_does_not_write_over_an_edit(backend):
    holder, actor = held_actor(backend)
    [result] = holder.commit(chain_of(actor, release()))
    assert result.status == "committed"
    ActorInstance.objects.filter(id=actor.actor_id).update(initialised_at=timezone.now())
    row = row_of(actor.actor_id)
    assert edit_state(row.id, '{"value":7}', epoch=row.epoch, using=backend) is Edit.DONE
    [late] = holder.commit(chain_of(actor, (SaveState('{"value":1}'),)))
    assert late.status == "stale"
    assert row_of(row.id).state == '{"value":7}'


def test_an_edit_joins_the_callers_transaction(backend):
    _holder, row = asleep(backend)
    with transaction.atomic(using=backend):
        edit_state(row.id, "{}", epoch=row.epoch, using=backend)
        transaction.set_rollback(True, using=backend)
    assert (row_of(row.id).state, row_of(row.id).epoch) == (row.state, row.epoch)


@only_postgresql
def test_it_waits_for_a_claim_that_is_under_way_and_then_leaves_the_actor_alone(backend, neighbours):
    _holder, row = asleep(backend)
    other = Holder(backend)
    worker, operator = neighbours(), neighbours()
    worker.begin(backend)
    assert worker.do(other.claim, row.id)
    editing = operator.start(edit_state, row.id, "{}", epoch=row.epoch, using=backend)
    wait_for_lock(backend)
    worker.commit()
    assert editing.result(timeout=20) is Edit.AWAKE
    assert row_of(row.id).state == row.state
