from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction

from actorqueues import clock
from actorqueues.models import ActorInstance, DeadLetter, Deduplication, Event, Message, Outcome, Wake
from actorqueues.storage import pruning
from actorqueues.storage.actors import create_actor, first_epoch
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.events import store_transient_events
from actorqueues.storage.ids import new_uid
from actorqueues.storage.operations import Destroy, SaveState
from actorqueues.storage.pausing import pause_actor
from actorqueues.storage.pruning import KINDS, prune, prune_kind, rows_to_prune
from actorqueues.storage.sending import store_messages
from tests.fixtures.backends import every_postgresql
from tests.storage.leases import Holder, chain_of, heads_of, held_actor, mail_for, row_of
from tests.storage.outgoing import to
from tests.storage.waits import wait_for_lock


@pytest.fixture
def moved_clock(monkeypatch):
    def move(**by):
        monkeypatch.setattr(clock, "offset", clock.offset + timedelta(**by))

    return move


def now_of(backend):
    return dialect_for(backend).now(connections[backend])


def outcome(backend, **given):
    now = now_of(backend)
    values = {"status": "completed", "settled_at": now, "expires_at": now + timedelta(minutes=10)} | given
    return Outcome(uid=new_uid(), actor_id=to().actor_id, queue="increment", **values)


def test_what_has_expired_goes_and_the_rest_stays(backend, moved_clock):
    Outcome.objects.bulk_create([outcome(backend) for _ in range(3)])
    moved_clock(minutes=11)
    kept = outcome(backend)
    kept.save()
    assert prune(using=backend) == 3
    assert Outcome.objects.get().uid == kept.uid
    assert prune(using=backend) == 0


def test_expired_rows_go_in_batches(backend, moved_clock, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 10)
    Outcome.objects.bulk_create([outcome(backend) for _ in range(25)])
    moved_clock(minutes=11)
    assert [prune(using=backend) for _ in range(4)] == [10, 10, 5, 0]


def test_dedupe_keys_go_with_their_window(backend, moved_clock):
    store_messages([to(dedupe="a", window=60)], using=backend)
    Message.objects.all().delete()
    assert prune(using=backend) == 0
    moved_clock(seconds=61)
    assert prune(using=backend) == 1


def test_a_key_whose_message_still_waits_is_kept(backend, moved_clock):
    store_messages([to(dedupe="a", window=60)], using=backend)
    moved_clock(seconds=61)
    assert prune(using=backend) == 0
    assert Deduplication.objects.count() == 1


@every_postgresql
def test_a_key_that_is_taken_anew_while_it_is_pruned_is_kept(backend, moved_clock, neighbours):
    store_messages([to(dedupe="a", window=60)], using=backend)
    Message.objects.all().delete()
    moved_clock(seconds=61)
    sender = neighbours()
    sender.begin(backend)
    again = to(dedupe="a", window=60)
    sender.do(store_messages, [again], using=backend)
    assert prune(using=backend) == 0
    sender.commit()
    assert Deduplication.objects.get().message_uid == again.uid


def test_a_key_taken_anew_against_pruning_leads_to_its_message(backend, moved_clock, neighbours):
    sender = neighbours()
    for _ in range(100):
        store_messages([to(dedupe="a", window=60)], using=backend)
        Message.objects.all().delete()
        moved_clock(seconds=61)
        again = to(dedupe="a", window=60)
        sending = sender.start(store_messages, [again], using=backend)
        prune(using=backend)
        sending.result(timeout=20)
        assert Deduplication.objects.get().message_uid == again.uid


def test_dead_letters_and_events_go_after_their_retention(backend, moved_clock, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "EVENT_RETENTION": 3600, "DEAD_RETENTION": 7200}
    now = now_of(backend)
    actor_id = to().actor_id
    DeadLetter.objects.create(
        uid=new_uid(),
        actor_id=actor_id,
        sequence=1,
        queue="increment",
        enqueued_at=now,
        reason="rejected",
        died_at=now,
    )
    Event.objects.create(actor_id=actor_id, number=1, name="a", data="{}", created_at=now)
    store_transient_events(actor_id, 1, [("a", "{}", None)], using=backend)
    assert prune(using=backend) == 0
    for seconds, left in ((31, (1, 1)), (3600, (1, 0)), (7200, (0, 0))):
        moved_clock(seconds=seconds)
        assert prune(using=backend) == 1
        assert (DeadLetter.objects.count(), Event.objects.count()) == left


TOMBSTONES = next(kind for kind in KINDS if kind.name == "tombstones")
prune_tombstones = partial(prune_kind, TOMBSTONES)


def destroyed_actor(backend):
    holder, actor = held_actor(backend)
    [result] = holder.commit(chain_of(actor, (Destroy("gone"),)))
    assert result.status == "committed"
    return holder, actor


def test_a_tombstone_goes_after_thirty_days_and_the_next_actor_of_its_key_has_a_higher_epoch(
    backend, moved_clock
):
    holder, actor = destroyed_actor(backend)
    moved_clock(days=29)
    prune_tombstones(using=backend)
    tombstone = row_of(actor.actor_id)
    moved_clock(days=1, seconds=1)
    assert prune_tombstones(using=backend) == 1
    assert not ActorInstance.objects.exists()
    again = Holder(backend)
    mail_for(backend, "main")
    [next_one] = again.claim(actor.actor_id)
    assert next_one.epoch > tombstone.epoch > actor.epoch
    # What the first holder still has to say of the actor that it had is stale.
    [late] = holder.commit(chain_of(actor, (SaveState("late"),)))
    assert late.status == "stale"


@pytest.mark.parametrize("made", ["create", "input", "pause", "mail"])
def test_every_way_to_make_an_actors_row_begins_its_epoch_at_the_clock(backend, made):
    clock_before = first_epoch(now_of(backend))
    one = to()
    if made == "input":
        store_messages([to(input="{}")], using=backend)
    elif made == "pause":
        pause_actor(one.actor_id, "ledger", "main", using=backend)
    elif made == "mail":
        held_actor(backend)
    else:
        create_actor(one.actor_id, "ledger", "main", using=backend)
    assert clock_before <= row_of(one.actor_id).epoch <= first_epoch(now_of(backend)) + 1


def test_a_tombstone_with_mail_or_a_pause_is_kept(backend, moved_clock):
    _holder, actor = destroyed_actor(backend)
    moved_clock(days=31)
    mail_for(backend, "main")
    assert prune_tombstones(using=backend) == 0
    Message.objects.all().delete()
    assert prune_tombstones(using=backend) == 0  # its wake alone must not make an actor
    Wake.objects.all().delete()
    pause_actor(actor.actor_id, "ledger", "main", using=backend)
    Wake.objects.all().delete()
    assert prune_tombstones(using=backend) == 0


@every_postgresql
def test_an_actor_that_is_made_again_while_its_tombstone_is_pruned_is_made(backend, moved_clock, neighbours):
    _holder, actor = destroyed_actor(backend)
    moved_clock(days=31)
    pruner, maker = neighbours(), neighbours()
    pruner.begin(backend)
    assert pruner.do(prune_tombstones, using=backend) == 1
    making = maker.start(create_actor, actor.actor_id, "ledger", "main", input='"new"', using=backend)
    wait_for_lock(backend)
    pruner.commit()
    assert making.result(timeout=20)
    assert row_of(actor.actor_id).input == '"new"'


@every_postgresql
def test_a_tombstone_that_is_revived_meanwhile_is_not_pruned(backend, moved_clock, neighbours):
    _holder, actor = destroyed_actor(backend)
    moved_clock(days=31)
    maker = neighbours()
    maker.begin(backend)
    assert maker.do(create_actor, actor.actor_id, "ledger", "main", using=backend)
    assert prune_tombstones(using=backend) == 0
    maker.commit()
    assert row_of(actor.actor_id).status == "live"


def test_tombstones_are_found_among_many_actors_by_their_index(backend):
    now = now_of(backend)
    ActorInstance.objects.bulk_create(
        ActorInstance(id=new_uid(), type="ledger", key=str(number), created_at=now) for number in range(3000)
    )
    if (
        connections[backend].vendor == "postgresql"
    ):  # SQLite would keep what it learns for the tests that follow
        with connections[backend].cursor() as cursor:
            cursor.execute("ANALYZE actorqueues_actor")
    assert "aq_actor_destroyed" in rows_to_prune(TOMBSTONES, using=backend).order_by().explain()


def refuses(write):
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


def test_check_constraints_refuse_unknown_statuses(backend):
    _holder, actor = held_actor(backend)
    refuses(lambda: ActorInstance.objects.update(status="asleep"))
    refuses(lambda: outcome(backend, status="odd").save())
    now = now_of(backend)
    letter = DeadLetter(
        uid=new_uid(),
        actor_id=actor.actor_id,
        sequence=1,
        queue="q",
        enqueued_at=now,
        reason="odd",
        died_at=now,
    )
    refuses(letter.save)


def test_two_actors_cannot_have_one_key(backend):
    held_actor(backend)
    twin = ActorInstance(id=new_uid(), type="ledger", key="main", created_at=now_of(backend))
    refuses(lambda: twin.save(force_insert=True))
    assert ActorInstance.objects.filter(key="main").count() == 1


def test_two_messages_cannot_have_one_id(backend):
    one = to()
    store_messages([one], using=backend)
    with pytest.raises(DatabaseError):
        store_messages([one], using=backend)
    assert len(heads_of(backend, one.actor_id)) == 1
    assert Holder(backend).claim(one.actor_id)
