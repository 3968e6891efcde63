import contextlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.db.models import F

from actorqueues import clock
from actorqueues.exceptions import LeaseLost
from actorqueues.models import ActorInstance, Journal, Worker
from actorqueues.storage import workers
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.operations import SaveState
from actorqueues.storage.workers import (
    read_loads,
    reap_dead_workers,
    reap_missing_workers,
    remove_worker,
    renew_lease,
    retire_worker,
)
from tests.fixtures.backends import every_postgresql
from tests.storage.leases import Holder, chain_of, held_actor, mail_for, row_of


@pytest.fixture
def moved_clock(monkeypatch):
    def move(**by):
        monkeypatch.setattr(clock, "offset", clock.offset + timedelta(**by))

    return move


def renew(holder, lease=30.0):
    return renew_lease(holder.id, lease=lease, busy=3, resident=5, using=holder.using)


def test_a_renewal_extends_the_lease_and_tells_the_load(backend, moved_clock):
    holder = Holder(backend)
    moved_clock(seconds=20)
    assert renew(holder)
    moved_clock(seconds=20)
    assert reap_dead_workers(using=backend) == 0
    assert read_loads(["ledger"], using=backend) == {holder.id: 3}


def test_a_renewal_after_the_lease_expired_touches_no_row(backend, moved_clock):
    """Somebody may be taking its actors at this moment: it must never renew again."""
    holder = Holder(backend)
    moved_clock(seconds=31)
    before = Worker.objects.get().expires_at
    assert not renew(holder)
    assert Worker.objects.get().expires_at == before
    assert read_loads(["ledger"], using=backend) == {}


def test_a_renewal_of_a_reaped_worker_touches_no_row(backend):
    holder = Holder(backend)
    remove_worker(holder.id, using=backend)
    assert not renew(holder)


def test_a_dead_workers_actors_come_free_with_a_higher_epoch_and_a_warning(backend, moved_clock):
    _holder, actor = held_actor(backend)
    moved_clock(seconds=31)
    assert reap_dead_workers(using=backend) == 1
    row = row_of(actor.actor_id)
    assert (row.worker_id, row.careful, row.epoch) == (None, True, actor.epoch + 1)
    assert row.active_at is not None
    assert not Worker.objects.exists()
    assert not Journal.objects.exists()
    [again] = Holder(backend).claim(actor.actor_id)
    assert again.careful


def test_what_a_reaped_worker_still_writes_is_refused(backend, moved_clock):
    holder, actor = held_actor(backend)
    moved_clock(seconds=31)
    reap_dead_workers(using=backend)
    with pytest.raises(LeaseLost):
        holder.commit(chain_of(actor, (SaveState("1"),)))
    assert row_of(actor.actor_id).state is None


def test_a_live_workers_actors_are_left_alone(backend, moved_clock):
    holder, actor = held_actor(backend)
    moved_clock(seconds=29)
    assert reap_dead_workers(using=backend) + reap_missing_workers(using=backend) == 0
    assert row_of(actor.actor_id).worker_id == holder.id


def test_a_dead_workers_row_goes_only_when_all_its_actors_are_requeued(backend, moved_clock, monkeypatch):
    """In chunks: a reaper that dies half-way leaves the row for the next one."""
    monkeypatch.setattr(workers, "REAP_CHUNK", 2)
    holder = Holder(backend)
    holder.claim(*mail_for(backend, *"abcde"))
    moved_clock(seconds=31)
    requeue, calls = workers.requeue_actors_of, []

    def dies_in_the_second(worker_id, *, using):
        if calls:
            raise RuntimeError("killed")
        calls.append(worker_id)
        return requeue(worker_id, using=using)

    monkeypatch.setattr(workers, "requeue_actors_of", dies_in_the_second)
    with pytest.raises(RuntimeError):
        reap_dead_workers(using=backend)
    assert Worker.objects.filter(id=holder.id).exists()
    assert ActorInstance.objects.awake().count() == 3
    monkeypatch.setattr(workers, "requeue_actors_of", requeue)
    assert reap_dead_workers(using=backend) == 3
    assert not Worker.objects.exists()


@every_postgresql
def test_an_actor_that_somebody_has_locked_keeps_the_dead_workers_row(backend, moved_clock, neighbours):
    holder, _actor = held_actor(backend)
    moved_clock(seconds=31)
    other = neighbours()
    other.begin(backend)
    other.do(lambda: list(ActorInstance.objects.select_for_update()))
    assert reap_dead_workers(using=backend) == 0
    assert Worker.objects.filter(id=holder.id).exists()
    other.commit()
    assert reap_dead_workers(using=backend) == 1


def test_actors_of_a_worker_without_a_row_come_free(backend):
    """However it came to that: somebody has emptied the table."""
    holder, actor = held_actor(backend)
    living, other = held_actor(backend, "other")
    Worker.objects.filter(id=holder.id).delete()
    assert reap_dead_workers(using=backend) == 0
    assert reap_missing_workers(using=backend) == 1
    assert row_of(actor.actor_id).worker_id is None
    assert row_of(other.actor_id).worker_id == living.id


def test_a_retiring_worker_requeues_before_its_row_goes(backend):
    holder = Holder(backend)
    holder.claim(*mail_for(backend, *"abc"))
    assert retire_worker(holder.id, using=backend) == 3
    assert not Worker.objects.exists()
    assert not ActorInstance.objects.awake().exists()
    assert ActorInstance.objects.filter(careful=True, wake_at__isnull=False).count() == 3


@every_postgresql
def test_what_a_retiring_worker_cannot_requeue_is_left_to_the_next_reaper(backend, neighbours):
    holder, actor = held_actor(backend)
    other = neighbours()
    other.begin(backend)
    other.do(lambda: list(ActorInstance.objects.select_for_update()))
    assert retire_worker(holder.id, using=backend) == 0
    other.commit()
    assert reap_dead_workers(using=backend) == 1  # at once, not when its lease would have ended
    assert row_of(actor.actor_id).worker_id is None


def expire(holder):
    """In its turn, as the runtime does it."""
    connection = connections[holder.using]
    mine = Worker.objects.filter(id=holder.id)
    dialect_for(holder.using).transaction(lambda: mine.update(expires_at=F("started_at")), connection)


def test_a_claim_against_a_reaper_strands_nothing(backend, neighbours, rounds):
    """A claim that commits while its worker is reaped is found by the reaper, or finds no row and fails."""
    other = neighbours()
    for number in rounds(50):
        holder = Holder(backend)
        [first] = mail_for(backend, f"first{number}")
        [second] = mail_for(backend, f"second{number}")
        holder.claim(first)
        claiming = other.start(holder.claim, second)
        expire(holder)
        reap_dead_workers(using=backend)
        with contextlib.suppress(LeaseLost):
            claiming.result(timeout=20)
        reap_dead_workers(using=backend)
        assert not Worker.objects.filter(id=holder.id).exists()
        assert not ActorInstance.objects.awake().exists()


@every_postgresql
def test_a_reaper_passes_by_a_worker_that_is_claiming(backend, neighbours, moved_clock):
    holder = Holder(backend)
    ids = mail_for(backend, "main")
    other = neighbours()
    other.begin(backend)
    other.do(holder.claim, *ids)
    moved_clock(seconds=31)
    assert reap_dead_workers(using=backend) == 0
    other.commit()
    assert reap_dead_workers(using=backend) == 1


def test_two_reapers_at_once_free_each_actor_once(backend, neighbours, moved_clock):
    holder = Holder(backend)
    actors = holder.claim(*mail_for(backend, *(str(number) for number in range(50))))
    moved_clock(seconds=31)
    reapers = [neighbours(), neighbours()]
    freed = [reaper.start(reap_dead_workers, using=backend) for reaper in reapers]
    assert sum(future.result(timeout=20) for future in freed) == 50
    assert set(ActorInstance.objects.values_list("epoch", flat=True)) == {actors[0].epoch + 1}
    assert not Worker.objects.exists()


def test_a_worker_that_never_was_is_retired_without_harm(backend):
    assert retire_worker(uuid4(), using=backend) == 0
