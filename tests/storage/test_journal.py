import time
from uuid import uuid4

import pytest
from django.db import DatabaseError, OperationalError, connections, transaction

from actorqueues.exceptions import LeaseLost
from actorqueues.models import ActorInstance, DeadLetter, Event, Journal, Message, Outcome
from actorqueues.storage.actors import create_actor
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.journal import commit_batch
from actorqueues.storage.operations import Bury, Emission, Emit, Initialise, Return, SaveState, Send
from actorqueues.storage.sending import store_messages
from actorqueues.storage.workers import remove_worker
from tests.fixtures.backends import every_postgresql, only_postgresql
from tests.storage.leases import Holder, begin, chain_of, heads_of, held_actor, row_of, settle
from tests.storage.outgoing import to


def actors_with_mail(backend, *keys, count=1):
    holder = Holder(backend)
    return holder, [held_actor(backend, key, count=count, holder=holder)[1] for key in keys]


def settle_first(backend, actor, *more):
    head = heads_of(backend, actor.actor_id)[0]
    return chain_of(actor, begin(head), (*settle(head), *more))


def left(actor):
    return Message.objects.filter(actor_id=actor.actor_id).count()


def test_a_step_commits_its_parts_together(backend):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    head = head._replace(keeps_outcome=True)
    out = to("other")
    emitted = Emit([Emission(1, "moved", "{}")])
    steps = (begin(head), (*settle(head, '{"a":1}'), SaveState('{"v":2}'), Send([out]), emitted))
    [result] = holder.commit(chain_of(actor, *steps))
    assert (result.status, result.applied) == ("committed", 2)
    assert left(actor) == 0
    assert (row_of(actor.actor_id).state, row_of(actor.actor_id).event_number) == ('{"v":2}', 1)
    assert Message.objects.get().uid == out.uid
    assert (Outcome.objects.get().reply, Event.objects.get().number) == ('{"a":1}', 1)


def test_the_last_of_several_states_in_a_batch_is_kept(backend):
    holder, actor = held_actor(backend)
    states = [(SaveState(str(number)),) for number in range(5)]
    holder.commit(chain_of(actor, (Initialise("first"),), *states))
    assert row_of(actor.actor_id).state == "4"
    assert row_of(actor.actor_id).initialised_at is not None


def test_a_return_keeps_the_place_and_the_counts(backend):
    holder, actor = held_actor(backend, count=2)
    first, second = heads_of(backend, actor.actor_id)
    failed = first._replace(failures=2, crashes=1, error="boom")
    holder.commit(chain_of(actor, begin(first), (Return(failed, 60.0, "failed"),)))
    again = heads_of(backend, actor.actor_id)
    assert [head.id for head in again] == [first.id, second.id]
    assert (again[0].failures, again[0].crashes, again[0].error) == (2, 1, "boom")
    assert again[0].started_at is None
    assert again[0].retry_at is not None


def test_a_buried_message_is_a_dead_letter_and_answers_its_waiter(backend):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    holder.commit(chain_of(actor, (Bury(head._replace(keeps_outcome=True), "rejected", "no", 1, 0),)))
    assert left(actor) == 0
    assert (DeadLetter.objects.get().reason, Outcome.objects.get().status) == ("rejected", "failed")


def test_a_chain_with_another_epoch_is_stale_while_the_others_commit(backend):
    holder, (stale, fresh) = actors_with_mail(backend, "a", "b")
    chains = [settle_first(backend, stale), settle_first(backend, fresh)]
    ActorInstance.objects.filter(id=stale.actor_id).update(epoch=stale.epoch + 1)
    assert [result.status for result in holder.commit(*chains)] == ["stale", "committed"]
    assert (left(stale), left(fresh)) == (1, 0)


@every_postgresql
def test_a_locked_actor_row_is_put_off_while_the_others_commit(backend, neighbours):
    holder, (locked, free) = actors_with_mail(backend, "a", "b")
    other = neighbours()
    other.begin(backend)
    other.do(lambda: list(ActorInstance.objects.filter(id=locked.actor_id).select_for_update()))
    chains = [settle_first(backend, locked), settle_first(backend, free)]
    began = time.monotonic()
    assert [result.status for result in holder.commit(*chains)] == ["locked", "committed"]
    assert time.monotonic() - began < 1
    other.commit()
    assert holder.commit(chains[0])[0].status == "committed"
    assert left(locked) == 0


def test_a_refused_step_discards_the_rest_of_its_chain_only(backend):
    holder, (spoilt, whole) = actors_with_mail(backend, "a", "b", count=3)
    first, second, third = heads_of(backend, spoilt.actor_id)
    steps = [step for head in (first, second, third) for step in (begin(head), settle(head))]
    cancel_message(second.uid, actor_id=spoilt.actor_id, using=backend)
    results = holder.commit(chain_of(spoilt, *steps), settle_first(backend, whole, SaveState("1")))
    assert [(result.status, result.applied) for result in results] == [("refused", 2), ("committed", 2)]
    assert [head.id for head in heads_of(backend, spoilt.actor_id)] == [third.id]
    assert (left(whole), row_of(whole.actor_id).state) == (2, "1")


def test_what_a_refused_step_carried_is_not_stored(backend):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    cancel_message(head.uid, actor_id=actor.actor_id, using=backend)
    step = (*settle(head), SaveState("1"), Send([to("other")]))
    assert holder.commit(chain_of(actor, step))[0].status == "refused"
    assert row_of(actor.actor_id).state is None
    assert not Message.objects.exists()


def test_a_send_to_an_actor_that_is_gone_is_refused_and_spoils_no_other_chain(backend):
    holder, (one, other) = actors_with_mail(backend, "a", "b")
    send = Send([to("absent", requires_actor=True)])
    results = holder.commit(settle_first(backend, one, send), settle_first(backend, other))
    assert [(result.status, result.applied) for result in results] == [("refused", 1), ("committed", 2)]
    assert "ActorNotFound" in results[0].reason
    assert heads_of(backend, one.actor_id)[0].started_at is not None


def test_a_value_that_the_database_refuses_spoils_no_other_chain(backend):
    holder, (one, other) = actors_with_mail(backend, "a", "b")
    taken = to("taken")
    store_messages([taken], using=backend)
    results = holder.commit(settle_first(backend, one, Send([taken])), settle_first(backend, other))
    assert [result.status for result in results] == ["refused", "committed"]
    assert (left(one), left(other)) == (1, 0)


@every_postgresql
def test_a_chain_whose_dedupe_key_waits_on_an_open_transaction_does_not_hold_up_the_others(
    backend, neighbours
):
    holder, (waits, goes) = actors_with_mail(backend, "a", "b")
    sender = neighbours()
    sender.begin(backend)
    first = to("shop", dedupe="x")
    sender.do(store_messages, [first], using=backend)
    chains = [settle_first(backend, waits, Send([to("shop", dedupe="x")])), settle_first(backend, goes)]
    began = time.monotonic()
    results = holder.commit(*chains)
    assert time.monotonic() - began < 1
    assert [(result.status, result.applied) for result in results] == [("locked", 1), ("committed", 2)]
    sender.commit()
    rest = chain_of(waits, *chains[0].steps[1:])
    assert holder.commit(rest)[0].status == "committed"
    assert Message.objects.filter(actor_id=first.actor_id).count() == 1


@every_postgresql
def test_a_message_that_an_open_transaction_cancels_does_not_hold_up_the_others(backend, neighbours):
    holder, (waits, goes) = actors_with_mail(backend, "a", "b")
    [head] = heads_of(backend, waits.actor_id)
    other = neighbours()
    other.begin(backend)
    other.do(cancel_message, head.uid, actor_id=waits.actor_id, using=backend)
    chains = [chain_of(waits, begin(head)), settle_first(backend, goes)]
    assert [result.status for result in holder.commit(*chains)] == ["locked", "committed"]
    other.commit()
    assert holder.commit(chains[0])[0].status == "refused"


def test_the_same_batch_twice_applies_once(backend):
    holder, actor = held_actor(backend)
    chain = settle_first(backend, actor, Send([to("other")]), SaveState("1"))
    first = holder.commit(chain)
    assert holder.repeat(chain) == first
    assert Message.objects.count() == 1


def test_the_same_batch_twice_gives_the_same_refusals(backend):
    holder, (stale, spoilt, whole) = actors_with_mail(backend, "a", "b", "c")
    ActorInstance.objects.filter(id=stale.actor_id).update(epoch=9)
    chains = [settle_first(backend, actor) for actor in (stale, spoilt, whole)]
    Message.objects.filter(actor_id=spoilt.actor_id).delete()
    first = holder.commit(*chains)
    assert [result.status for result in first] == ["stale", "refused", "committed"]
    assert holder.repeat(*chains) == first
    whole_again = chain_of(whole, (SaveState("2"),))
    assert holder.commit(whole_again)[0].status == "committed"
    assert holder.repeat(whole_again)[0].status == "committed"  # not the refusals of the batch before


def test_a_batch_of_a_reaped_worker_is_refused(backend):
    holder, actor = held_actor(backend)
    chain = settle_first(backend, actor)
    remove_worker(holder.id, using=backend)
    with pytest.raises(LeaseLost):
        holder.commit(chain)
    with pytest.raises(LeaseLost):
        commit_batch(uuid4(), 1, [chain], using=backend)
    assert left(actor) == 1


def test_a_database_in_trouble_refuses_no_chain(backend, monkeypatch):
    """The batch must be tried again as it is: it is not what the chains ask for that failed."""
    holder, actor = held_actor(backend)
    chain = settle_first(backend, actor)

    def trouble(*args, **kwargs):
        raise OperationalError("the disk is full")

    monkeypatch.setattr("actorqueues.storage.applying.release_actors", trouble)
    monkeypatch.setattr(type(dialect_for(backend)), "kind_of", lambda self, error: "trouble")
    with pytest.raises(OperationalError):
        holder.commit(chain)
    monkeypatch.undo()
    assert holder.repeat(chain)[0].status == "committed"


@only_postgresql
def test_a_batch_whose_connection_was_cut_is_repeated_and_applied_once(backend):
    holder, actor = held_actor(backend)
    chain = settle_first(backend, actor, Send([to("other")]))
    with connections[backend].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with connections[backend].copy().cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])
    with pytest.raises(DatabaseError):
        holder.commit(chain)
    connections[backend].close()
    assert holder.repeat(chain)[0].status == "committed"
    assert holder.repeat(chain)[0].status == "committed"
    assert Message.objects.count() == 1


@every_postgresql
def test_lock_waits_are_bounded_in_a_batch_and_nowhere_else(backend):
    holder, actor = held_actor(backend)
    with transaction.atomic(using=backend):
        holder.commit(chain_of(actor, (SaveState("1"),)))
        assert lock_timeout(backend) == "50ms"
    assert lock_timeout(backend) == "0"


def lock_timeout(backend):
    with connections[backend].cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return cursor.fetchone()[0]


def test_the_journals_row_counts_the_batches(backend):
    holder, actor = held_actor(backend)
    for number in range(3):
        holder.commit(chain_of(actor, (SaveState(str(number)),)))
    assert Journal.objects.get(worker_id=holder.id).sequence == 3


def test_old_events_go_when_an_actor_has_too_many(backend, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "EVENT_LIMIT": 50}
    holder, actor = held_actor(backend)
    for start in (1, 101):
        events = [Emission(number, "tick", "{}") for number in range(start, start + 100)]
        holder.commit(chain_of(actor, (Emit(events),)))
    assert list(Event.objects.order_by("number").values_list("number", flat=True)) == list(range(151, 201))
    assert row_of(actor.actor_id).event_number == 200


def test_a_new_actor_gets_its_row_from_a_send_in_a_batch(backend):
    holder, actor = held_actor(backend)
    holder.commit(chain_of(actor, (Send([to("new", input='{"a":1}')]),)))
    assert row_of(to("new").actor_id).input == '{"a":1}'
    assert not create_actor(to("new").actor_id, "ledger", "new", using=backend)
