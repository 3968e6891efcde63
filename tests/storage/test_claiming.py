import time
from datetime import timedelta

import pytest
from django.db import transaction

from actorqueues import clock
from actorqueues.exceptions import LeaseLost
from actorqueues.models import ActorInstance, Message, Wake
from actorqueues.storage.actors import create_actor, mark_destroying
from actorqueues.storage.claiming import find_due, find_wakes, ring
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.operations import Destroy
from actorqueues.storage.pausing import pause_actor, resume_actor
from actorqueues.storage.sending import store_messages
from actorqueues.storage.workers import reap_dead_workers
from tests.fixtures.backends import every_postgresql
from tests.storage.leases import Holder, chain_of, held_actor, is_found, mail_for, row_of
from tests.storage.outgoing import to


def test_the_first_claim_makes_the_actors_row(backend):
    [actor_id] = mail_for(backend, "main")
    assert not ActorInstance.objects.exists()
    holder = Holder(backend)
    [actor] = holder.claim(actor_id)
    assert (actor.type, actor.key, actor.initialised) == ("ledger", "main", False)
    assert row_of(actor_id).worker_id == holder.id
    assert not Wake.objects.exists()


def test_a_claim_of_nobody_makes_nobody(backend):
    assert Holder(backend).claim(to().actor_id) == []
    assert not ActorInstance.objects.exists()


def test_a_held_actor_and_its_wakes_are_left_to_its_holder(backend):
    _, actor = held_actor(backend)
    mail_for(backend, "main")
    assert Holder(backend).claim(actor.actor_id) == []
    assert Wake.objects.count() == 1


def test_a_paused_actor_that_is_the_claimers_own_by_its_row_goes_back(backend):
    """The answer to an earlier claim was lost, and then the actor was paused: nobody runs it."""
    holder, actor = held_actor(backend)
    pause_actor(actor.actor_id, "ledger", "main", using=backend)
    mail_for(backend, "main")
    assert holder.claim(actor.actor_id) == []
    row = row_of(actor.actor_id)
    assert (row.worker_id, row.epoch) == (None, actor.epoch + 1)
    resume_actor(actor.actor_id, "ledger", "main", using=backend)
    assert len(Holder(backend).claim(actor.actor_id)) == 1


def test_a_type_that_the_worker_does_not_know_is_not_claimed(backend):
    store_messages([to()], using=backend)
    holder = Holder(backend)
    from actorqueues.storage.claiming import claim_actors

    assert claim_actors(holder.id, [to().actor_id], ["other"], using=backend) == []
    assert Wake.objects.count() == 1


def test_the_epoch_grows_with_claim_and_release_and_reaping(backend, monkeypatch):
    holder, actor = held_actor(backend)
    epochs = [actor.epoch]
    holder.release(actor)
    epochs.append(row_of(actor.actor_id).epoch)
    [again] = holder.claim(actor.actor_id)
    epochs.append(again.epoch)
    monkeypatch.setattr(clock, "offset", timedelta(minutes=1))
    reap_dead_workers(using=backend)
    epochs.append(row_of(actor.actor_id).epoch)
    assert epochs == sorted(set(epochs))


def test_the_epoch_grows_through_destroy_so_that_a_stale_epoch_never_matches_again(backend):
    holder, actor = held_actor(backend)
    seen = [actor.epoch]
    for _ in range(3):
        assert holder.commit(chain_of(actor, (Destroy("gone"),)))[0].status == "committed"
        seen.append(row_of(actor.actor_id).epoch)
        mail_for(backend, "main")
        [actor] = holder.claim(actor.actor_id)
        seen.append(actor.epoch)
    assert seen == sorted(set(seen))
    assert actor.generation == 4


def test_a_destroyed_actor_that_is_created_anew_goes_on_counting(backend):
    holder, actor = held_actor(backend)
    holder.commit(chain_of(actor, (Destroy("gone"),)))
    create_actor(actor.actor_id, "ledger", "main", using=backend)
    [again] = holder.claim(actor.actor_id)
    assert again.epoch > actor.epoch
    assert again.generation == 2


def test_a_wake_without_mail_makes_no_new_generation_of_a_destroyed_actor(backend):
    """The message went with the destroy, its wake came too late for it."""
    holder, actor = held_actor(backend)
    holder.commit(chain_of(actor, (Destroy("gone"),)))
    mail_for(backend, "main")
    Message.objects.all().delete()
    assert holder.claim(actor.actor_id) == []
    assert row_of(actor.actor_id).status == "destroyed"
    assert not Wake.objects.exists()


def test_a_scheduled_message_makes_a_new_generation(backend):
    holder, actor = held_actor(backend)
    holder.commit(chain_of(actor, (Destroy("gone"),)))
    mail_for(backend, "main", delay=60)
    assert len(holder.claim(actor.actor_id)) == 1
    assert row_of(actor.actor_id).status == "live"


def test_a_paused_actor_is_not_claimed_and_found_again_after_its_resume(backend):
    [actor_id] = mail_for(backend, "main")
    pause_actor(actor_id, "ledger", "main", using=backend)
    holder = Holder(backend)
    assert holder.claim(actor_id) == []
    assert not Wake.objects.exists()
    assert find_due(["ledger"], limit=10, using=backend) == []
    resume_actor(actor_id, "ledger", "main", using=backend)
    assert is_found(actor_id)
    assert len(holder.claim(actor_id)) == 1


def test_an_actor_whose_state_does_not_load_is_not_claimed_and_keeps_its_mail(backend):
    holder, actor = held_actor(backend)
    holder.release(actor, held_reason="its state does not load")
    mail_for(backend, "main")
    assert holder.claim(actor.actor_id) == []
    assert find_due(["ledger"], limit=10, using=backend) == []
    ActorInstance.objects.update(status="live")
    assert find_due(["ledger"], limit=10, using=backend) == [actor.actor_id]


def test_a_held_actor_that_is_to_be_destroyed_is_claimed(backend):
    holder, actor = held_actor(backend)
    holder.release(actor, held_reason="its state does not load")
    mark_destroying(actor.actor_id, "ledger", "main", using=backend)
    [again] = holder.claim(actor.actor_id)
    assert again.status == "destroying"


def test_a_worker_whose_lease_has_expired_claims_nothing(backend, monkeypatch):
    [actor_id] = mail_for(backend, "main")
    holder = Holder(backend)
    monkeypatch.setattr(clock, "offset", timedelta(minutes=1))
    with pytest.raises(LeaseLost):
        holder.claim(actor_id)
    assert Wake.objects.count() == 1


def test_a_worker_that_was_reaped_claims_nothing(backend, monkeypatch):
    [actor_id] = mail_for(backend, "main")
    holder = Holder(backend)
    monkeypatch.setattr(clock, "offset", timedelta(minutes=1))
    reap_dead_workers(using=backend)
    monkeypatch.setattr(clock, "offset", timedelta(0))
    with pytest.raises(LeaseLost):
        holder.claim(actor_id)


@every_postgresql
def test_a_claim_passes_by_rows_that_somebody_has_locked(backend, neighbours):
    ids = mail_for(backend, "a", "b")
    first = Holder(backend)
    for actor in first.claim(*ids):
        first.release(actor)
    other = neighbours()
    other.begin(backend)
    other.do(lambda: list(ActorInstance.objects.filter(key="a").select_for_update()))
    began = time.monotonic()
    assert [actor.key for actor in Holder(backend).claim(*ids)] == ["b"]
    assert time.monotonic() - began < 2
    other.commit()
    assert [actor.key for actor in first.claim(*ids)] == ["a"]


@every_postgresql
def test_an_actor_that_an_open_transaction_makes_does_not_hold_up_the_claim_of_others(backend, neighbours):
    other = neighbours()
    other.begin(backend)
    other.do(create_actor, to("a").actor_id, "ledger", "a", using=backend)
    ids = mail_for(backend, "a", "b", "c")
    holder = Holder(backend)
    began = time.monotonic()
    assert sorted(actor.key for actor in holder.claim(*ids)) == ["b", "c"]
    assert time.monotonic() - began < 2
    other.commit()
    assert [actor.key for actor in holder.claim(ids[0])] == ["a"]


def test_an_actor_that_is_its_own_without_its_knowing_is_claimed_again_by_a_worker(backend):
    """The answer to its first claim was lost."""
    [actor_id] = mail_for(backend, "a")
    holder = Holder(backend)
    [first] = holder.claim(actor_id)
    [again] = holder.claim(actor_id)
    assert again.epoch == first.epoch + 1
    assert holder.commit(chain_of(first))[0].status == "stale"


def test_two_workers_never_both_get_an_actor(backend, neighbours):
    first, second = neighbours(), neighbours()
    holders = [first.do(Holder, backend), second.do(Holder, backend)]
    for round_number in range(20):
        ids = mail_for(backend, *(f"{round_number}-{number}" for number in range(10)))
        claims = [who.start(holder.claim, *ids) for who, holder in zip((first, second), holders, strict=True)]
        got = [{actor.actor_id for actor in claim.result(timeout=20)} for claim in claims]
        assert not got[0] & got[1]
        got.append({actor.actor_id for actor in holders[0].claim(*ids)})  # what both passed by
        assert set.union(*got) == set(ids)


def test_a_send_during_a_claim_is_seen_or_leaves_a_wake(backend, neighbours, rounds):
    sender = neighbours()
    holder = Holder(backend, lease=3600)
    for number in rounds(100):
        key = f"k{number}"
        [actor_id] = mail_for(backend, key)
        sending = sender.start(mail_for, backend, key)
        [actor] = holder.claim(actor_id)
        seen = Message.objects.filter(actor_id=actor_id).count()
        sending.result(timeout=20)
        assert seen == 2 or Wake.objects.filter(actor_id=actor_id).exists()
        holder.release(actor)


def test_a_send_against_a_ring_is_seen_or_leaves_a_wake(backend, neighbours, rounds):
    sender = neighbours()
    holder, actor = held_actor(backend, holder=Holder(backend, lease=3600))
    for number in rounds(200):
        sending = sender.start(mail_for, backend, "main")
        ring(holder.id, [actor.actor_id], using=backend)
        seen = Message.objects.count()
        sending.result(timeout=20)
        assert seen == number + 2 or Wake.objects.exists()


def test_a_ring_by_a_stale_worker_deletes_nothing_of_its_successor(backend, monkeypatch):
    stale, actor = held_actor(backend)
    monkeypatch.setattr(clock, "offset", timedelta(minutes=1))
    reap_dead_workers(using=backend)
    successor = Holder(backend)
    assert len(successor.claim(actor.actor_id)) == 1
    mail_for(backend, "main")
    ring(stale.id, [actor.actor_id], using=backend)
    assert Wake.objects.count() == 1
    ring(successor.id, [actor.actor_id], using=backend)
    assert not Wake.objects.exists()


def test_wakes_are_found_once_each_from_a_rotating_start(backend):
    ids = sorted(mail_for(backend, *"abcdef", count=3))
    Wake.objects.bulk_create(Wake(type="ledger", actor_id=one, key="x") for one in ids for _ in range(50))
    found = find_wakes(["ledger"], limit=4, using=backend)
    assert [actor_id for _, actor_id in found] == ids[:4]
    found = find_wakes(["ledger"], after=ids[3], limit=4, using=backend)
    assert [actor_id for _, actor_id in found] == ids[4:]
    assert find_wakes(["other"], limit=4, using=backend) == []


def test_due_actors_are_found_from_the_oldest(backend):
    holder = Holder(backend)
    for key in "abc":
        holder.release(holder.claim(*mail_for(backend, key))[0])
    later = dialect_for(backend)
    from django.db import connections

    now = later.now(connections[backend])
    for key, seconds in (("a", -1), ("b", -5), ("c", 60)):
        ActorInstance.objects.filter(key=key).update(wake_at=now + timedelta(seconds=seconds))
    assert find_due(["ledger"], limit=10, using=backend) == [to("b").actor_id, to("a").actor_id]
    assert find_due(["ledger"], limit=1, using=backend) == [to("b").actor_id]
    assert find_due(["other"], limit=1, using=backend) == []


def test_a_rolled_back_claim_leaves_everything(backend):
    [actor_id] = mail_for(backend, "main")
    holder = Holder(backend)
    with transaction.atomic(using=backend):
        holder.claim(actor_id)
        transaction.set_rollback(True, using=backend)
    assert is_found(actor_id)
    assert len(holder.claim(actor_id)) == 1
