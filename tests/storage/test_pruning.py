from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction

from actorqueues import clock
from actorqueues.models import ActorInstance, DeadLetter, Deduplication, Event, Message, Outcome
from actorqueues.storage import pruning
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.events import store_transient_events
from actorqueues.storage.ids import new_uid
from actorqueues.storage.pruning import prune
from actorqueues.storage.sending import store_messages
from tests.fixtures.backends import only_postgresql
from tests.storage.leases import Holder, heads_of, held_actor
from tests.storage.outgoing import to


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


@only_postgresql
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


def test_two_messages_cannot_have_one_id(backend):
    one = to()
    store_messages([one], using=backend)
    with pytest.raises(DatabaseError):
        store_messages([one], using=backend)
    assert len(heads_of(backend, one.actor_id)) == 1
    assert Holder(backend).claim(one.actor_id)
