"""What is done to an actor and its messages from outside: cancel, replay, pause, destroy."""

from datetime import timedelta

from django.db import connections, transaction
from django.utils import timezone

from actorqueues import clock
from actorqueues.models import ActorInstance, DeadLetter, Message, Outcome, Wake
from actorqueues.storage.actors import actor_exists, create_actor, mark_destroying
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.dead_letters import list_dead_letters, replay_dead_letters, replay_some
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.outcomes import message_status, read_outcomes
from actorqueues.storage.pausing import (
    pause_actor,
    pause_type,
    read_pauses,
    resume_actor,
    resume_type,
)
from actorqueues.storage.sending import store_messages
from tests.fixtures.backends import every_postgresql
from tests.storage.outgoing import to


def stored(backend, **given):
    one = to(**given)
    store_messages([one], using=backend)
    return one


def test_a_message_that_was_not_started_is_cancelled_and_its_sender_told(backend):
    one = stored(backend, keeps_outcome=True)
    assert cancel_message(one.uid, actor_id=one.actor_id, using=backend)
    assert Message.objects.count() == 0
    outcome = read_outcomes([one.uid], using=backend)[one.uid]
    assert (outcome.status, outcome.error) == ("failed", "cancelled")
    assert not cancel_message(one.uid, actor_id=one.actor_id, using=backend)


def test_a_message_that_was_started_or_tried_is_not_cancelled(backend):
    for change in ({"started_at": timezone.now()}, {"failures": 1}, {"crashes": 1}):
        one = stored(backend)
        Message.objects.filter(uid=one.uid).update(**change)
        assert not cancel_message(one.uid, actor_id=one.actor_id, using=backend)


def test_only_the_actors_own_messages_are_cancelled(backend):
    one = stored(backend)
    assert not cancel_message(one.uid, actor_id=to("another").actor_id, using=backend)


@every_postgresql
def test_a_cancel_does_not_wait_for_a_start_mark_that_is_being_made(backend, neighbours):
    one = stored(backend)
    worker = neighbours()
    worker.begin(backend)
    worker.do(Message.objects.filter(uid=one.uid).update, started_at=timezone.now())
    assert not cancel_message(one.uid, actor_id=one.actor_id, using=backend)
    worker.commit()
    assert Message.objects.count() == 1


def bury(one, sequence=1):
    DeadLetter.objects.create(
        uid=one.uid, actor_id=one.actor_id, sequence=sequence, queue=one.queue, body=one.body, failures=3,
        reason="rejected", error="no", keeps_outcome=True, enqueued_at=timezone.now(), died_at=timezone.now(),
    )  # fmt: skip
    now = timezone.now()
    until = now + timedelta(minutes=10)
    Outcome.objects.create(
        uid=one.uid,
        actor_id=one.actor_id,
        queue=one.queue,
        status="failed",
        error="no",
        settled_at=now,
        expires_at=until,
    )


def test_a_replayed_dead_letter_goes_to_the_tail_with_its_id_and_no_attempts(backend):
    dead, last = to(), stored(backend)
    bury(dead)
    Wake.objects.all().delete()
    assert message_status(dead.uid, using=backend).status == "dead"
    assert replay_dead_letters(dead.actor_id, "ledger", "main", [dead.uid], using=backend) == [dead.uid]
    assert list(Message.objects.order_by("id").values_list("uid", "failures")) == [
        (last.uid, 0),
        (dead.uid, 0),
    ]
    assert (DeadLetter.objects.count(), Outcome.objects.count(), Wake.objects.count()) == (0, 0, 1)
    assert replay_dead_letters(dead.actor_id, "ledger", "main", [dead.uid], using=backend) == []


def test_all_dead_letters_of_an_actor_are_replayed_in_their_order(backend):
    dead = [to() for _ in range(3)]
    for sequence, one in enumerate(dead):
        bury(one, sequence)
    other = to("another")
    bury(other)
    assert len(list_dead_letters(dead[0].actor_id, using=backend)) == 3
    uids = [one.uid for one in dead]
    assert replay_dead_letters(dead[0].actor_id, "ledger", "main", using=backend) == uids
    assert list(Message.objects.order_by("id").values_list("uid", flat=True)) == uids
    assert DeadLetter.objects.get().uid == other.uid


def test_a_replay_leaves_alone_what_died_after_it_began(backend):
    bury(dead := to())
    before = dialect_for(backend).now(connections[backend])
    bury(later := to())
    letters = DeadLetter.objects.filter(actor_id=dead.actor_id)
    wakes = {dead.actor_id: ("ledger", dead.actor_id, "main")}
    assert list(replay_some(letters, before=before, wakes=wakes, using=backend)) == [dead.uid]
    assert replay_some(letters, before=before, wakes=wakes, using=backend) == {}
    assert DeadLetter.objects.get().uid == later.uid


def test_pausing_an_actor_that_has_no_row_makes_one(backend):
    one = to()
    pause_actor(one.actor_id, "ledger", "main", using=backend)
    assert ActorInstance.objects.get().paused_at is not None
    assert Wake.objects.count() == 1  # whoever holds it must learn of it
    Wake.objects.all().delete()
    resume_actor(one.actor_id, "ledger", "main", using=backend)
    resume_actor(one.actor_id, "ledger", "main", using=backend)
    assert ActorInstance.objects.get().paused_at is None
    assert Wake.objects.count() == 1


def test_resuming_a_type_wakes_its_actors_that_have_mail(backend, monkeypatch):
    monkeypatch.setattr("actorqueues.storage.pausing.CHUNK", 2)
    for key in "abcde":
        one = stored(backend, key=key)
        create_actor(one.actor_id, "ledger", key, using=backend)
    idle = to("idle")
    create_actor(idle.actor_id, "ledger", "idle", using=backend)
    pause_type("ledger", using=backend)
    pause_type("ledger", using=backend)
    pause_type("ledger", "increment", using=backend)
    assert read_pauses(using=backend) == {("ledger", ""), ("ledger", "increment")}
    Wake.objects.all().delete()
    resume_type("ledger", using=backend)
    assert read_pauses(using=backend) == {("ledger", "increment")}
    assert sorted(Wake.objects.values_list("key", flat=True)) == list("abcde")


def test_an_actor_with_mail_and_no_row_can_be_destroyed(backend):
    one = stored(backend)
    Wake.objects.all().delete()
    assert mark_destroying(one.actor_id, "ledger", "main", using=backend)
    assert ActorInstance.objects.get().status == "destroying"
    assert Wake.objects.count() == 1
    assert not mark_destroying(one.actor_id, "ledger", "main", using=backend)


def test_there_is_nothing_to_destroy_of_another_generation_or_of_nobody(backend):
    one = to()
    assert not mark_destroying(one.actor_id, "ledger", "main", using=backend)
    create_actor(one.actor_id, "ledger", "main", using=backend)
    assert not mark_destroying(one.actor_id, "ledger", "main", generation=2, using=backend)
    assert mark_destroying(one.actor_id, "ledger", "main", generation=1, using=backend)


def test_an_actor_exists_from_its_first_message_to_its_destruction(backend):
    one = to()
    assert not actor_exists(one.actor_id, using=backend)
    store_messages([one], using=backend)
    assert actor_exists(one.actor_id, using=backend)
    create_actor(one.actor_id, "ledger", "main", using=backend)
    Message.objects.all().delete()
    assert actor_exists(one.actor_id, using=backend)
    ActorInstance.objects.update(status="destroyed")
    assert not actor_exists(one.actor_id, using=backend)


def test_an_actor_is_created_once(backend):
    one = to()
    assert create_actor(one.actor_id, "ledger", "main", input='{"a":1}', using=backend)
    assert not create_actor(one.actor_id, "ledger", "main", input='{"a":2}', using=backend)
    assert ActorInstance.objects.get().input == '{"a":1}'


def test_two_that_create_one_actor_at_once(backend, neighbours):
    one = to()
    first, second = neighbours(), neighbours()
    for _ in range(10):
        running = [
            who.start(create_actor, one.actor_id, "ledger", "main", using=backend) for who in (first, second)
        ]
        assert sorted(future.result(timeout=20) for future in running) == [False, True]
        ActorInstance.objects.all().delete()


def test_expired_outcomes_are_not_read(backend, monkeypatch):
    one = stored(backend, keeps_outcome=True)
    cancel_message(one.uid, actor_id=one.actor_id, using=backend)
    assert read_outcomes([one.uid, to().uid], using=backend).keys() == {one.uid}
    monkeypatch.setattr(clock, "offset", timedelta(minutes=11))
    assert read_outcomes([one.uid], using=backend) == {}


def test_message_status_tells_where_a_message_stands(backend):
    one = stored(backend, delay=60)
    row = Message.objects.filter(uid=one.uid)
    assert message_status(one.uid, using=backend).status == "scheduled"
    row.update(scheduled_at=None)
    assert message_status(one.uid, using=backend).status == "ready"
    row.update(started_at=timezone.now())
    assert message_status(one.uid, using=backend).status == "in_flight"
    row.update(started_at=None, retry_at=timezone.now() + timedelta(minutes=1), failures=2, error="boom")
    status = message_status(one.uid, using=backend)
    assert (status.status, status.attempt, status.error) == ("retrying", 3, "boom")
    row.update(retry_at=timezone.now() - timedelta(minutes=1))
    status = message_status(one.uid, using=backend)
    assert (status.status, status.attempt, status.error) == ("ready", 3, "boom")
    assert message_status(to().uid, using=backend) is None


def test_depth_counts_scheduled_messages_and_stops_at_the_limit(backend):
    store_messages(
        [to() for _ in range(20)] + [to(delay=60) for _ in range(5)] + [to("b"), to(queue="note")],
        using=backend,
    )
    dialect, connection = dialect_for(backend), connections[backend]
    assert dialect.count_depth(connection, to().actor_id, "increment", 100) == 25
    assert dialect.count_depth(connection, to().actor_id, "increment", 10) < 25
    assert dialect.count_depth(connection, to().actor_id, "other", 10) == 0


def test_changes_from_outside_join_the_callers_transaction(backend):
    one = stored(backend)
    with transaction.atomic(using=backend):
        assert cancel_message(one.uid, actor_id=one.actor_id, using=backend)
        assert mark_destroying(one.actor_id, "ledger", "main", using=backend) is False
        create_actor(one.actor_id, "ledger", "main", using=backend)
        transaction.set_rollback(True, using=backend)
    assert Message.objects.count() == 1
    assert ActorInstance.objects.count() == 0
