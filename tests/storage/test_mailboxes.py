from datetime import timedelta

import pytest

from actorqueues import clock
from actorqueues.models import ActorInstance, Message
from actorqueues.storage.actors import mark_destroying
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.mailboxes import MailRequest, read_mail
from actorqueues.storage.pausing import pause_actor
from actorqueues.storage.sending import store_messages
from tests.fixtures.backends import every_postgresql
from tests.storage.leases import held_actor, mail_for
from tests.storage.outgoing import to


@pytest.fixture
def moved_clock(monkeypatch):
    def move(**by):
        monkeypatch.setattr(clock, "offset", clock.offset + timedelta(**by))

    return move


def read(actor, backend, *, epoch=None, promotes=True, **limits):
    wanted = limits or {"increment": 100, "note": 100}
    request = MailRequest(actor.actor_id, actor.epoch if epoch is None else epoch, wanted, promotes)
    return read_mail([request], using=backend)[1][actor.actor_id]


def uids(mail):
    return [head.uid for head in mail.heads]


def test_heads_are_read_by_queue_up_to_the_limit_of_each(backend):
    _, actor = held_actor(backend, count=5)
    mail_for(backend, "main", count=5, queue="note")
    mail_for(backend, "main", count=5, queue="other")
    mail_for(backend, "another", count=5)
    mail = read(actor, backend, increment=3, note=1)
    assert [head.queue for head in mail.heads] == ["increment"] * 3 + ["note"]
    ids = [head.id for head in mail.heads[:3]]
    assert ids == sorted(ids)


def test_many_actors_are_read_at_once(backend):
    actors = [held_actor(backend, key, count=2)[1] for key in "abc"]
    requests = [MailRequest(actor.actor_id, actor.epoch, {"increment": 10}, False) for actor in actors]
    _, mail = read_mail(requests, using=backend)
    assert [len(mail[actor.actor_id].heads) for actor in actors] == [2, 2, 2]


def test_a_head_has_everything_as_it_was_sent(backend):
    _, actor = held_actor(backend)
    one = to(
        queue="note", body='{"ä":"\\u0001"}', user_id="7", meta='{"a":1}', keeps_outcome=True, expires_in=60
    )
    store_messages([one], using=backend)
    [head] = read(actor, backend, note=5).heads
    assert (head.uid, head.body, head.user_id, head.meta) == (one.uid, one.body, "7", one.meta)
    assert head.keeps_outcome is True
    assert head.expires_at - head.enqueued_at > timedelta(seconds=59)
    assert (head.started_at, head.retry_at, head.failures, head.crashes, head.error) == (
        None,
        None,
        0,
        0,
        None,
    )


@every_postgresql
def test_a_lower_number_that_commits_later_is_still_read(backend, neighbours):
    """Numbers are given before the commit: nobody may read above a high-water mark."""
    _, actor = held_actor(backend)
    other = neighbours()
    other.begin(backend)
    slow = to()
    other.do(store_messages, [slow], using=backend)
    fast = to()
    store_messages([fast], using=backend)
    before = uids(read(actor, backend))
    assert before[-1] == fast.uid
    assert slow.uid not in before
    other.commit()
    assert uids(read(actor, backend)) == [before[0], slow.uid, fast.uid]


def test_what_is_read_tells_whether_the_actor_is_still_ours(backend):
    _, actor = held_actor(backend)
    assert read(actor, backend).ours
    assert not read(actor, backend, epoch=actor.epoch - 1).ours
    ActorInstance.objects.all().delete()
    assert not read(actor, backend).ours


def test_what_is_read_tells_of_a_pause_and_of_the_end(backend):
    _, actor = held_actor(backend)
    mail = read(actor, backend)
    assert (mail.paused, mail.destroying) == (False, False)
    pause_actor(actor.actor_id, "ledger", "main", using=backend)
    mark_destroying(actor.actor_id, "ledger", "main", using=backend)
    mail = read(actor, backend)
    assert (mail.paused, mail.destroying) == (True, True)


def test_a_promotion_gives_new_numbers_in_the_order_of_the_times(backend, moved_clock):
    _, actor = held_actor(backend)
    [first] = read(actor, backend).heads
    late, early = to(delay=20), to(delay=10)
    store_messages([late, early], using=backend)
    store_messages([ready := to()], using=backend)
    mail = read(actor, backend)
    assert uids(mail) == [first.uid, ready.uid]
    assert mail.next_scheduled_at is not None
    moved_clock(seconds=30)
    assert uids(read(actor, backend)) == [first.uid, ready.uid, early.uid, late.uid]
    assert read(actor, backend).next_scheduled_at is None


def test_only_what_is_due_is_promoted(backend, moved_clock):
    _, actor = held_actor(backend)
    soon, later = to(delay=10), to(delay=100)
    store_messages([later, soon], using=backend)
    moved_clock(seconds=20)
    mail = read(actor, backend)
    assert uids(mail)[1:] == [soon.uid]
    assert mail.next_scheduled_at == Message.objects.scheduled().get().scheduled_at


def test_a_promoted_message_is_otherwise_as_it_was(backend, moved_clock):
    _, actor = held_actor(backend)
    one = to(queue="note", delay=10, user_id="7", meta='{"a":1}', keeps_outcome=True, expires_in=3600)
    store_messages([one], using=backend)
    before = Message.objects.get(uid=one.uid)
    moved_clock(seconds=20)
    read(actor, backend)
    after = Message.objects.get(uid=one.uid)
    same = (
        "uid",
        "actor_id",
        "queue",
        "body",
        "user_id",
        "meta",
        "keeps_outcome",
        "enqueued_at",
        "expires_at",
    )
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert after.id > before.id


def test_a_cancelled_scheduled_message_is_not_promoted(backend, moved_clock):
    _, actor = held_actor(backend)
    one = to(delay=10)
    store_messages([one], using=backend)
    cancel_message(one.uid, actor_id=actor.actor_id, using=backend)
    moved_clock(seconds=20)
    assert len(read(actor, backend).heads) == 1


def test_a_cancel_against_a_promotion_removes_the_message_or_comes_too_late(backend, neighbours, rounds):
    other = neighbours()
    _, actor = held_actor(backend)
    for _ in rounds(100):
        one = to(delay=0)
        store_messages([one], using=backend)
        cancelling = other.start(cancel_message, one.uid, actor_id=actor.actor_id, using=backend)
        read(actor, backend)
        cancelled = cancelling.result(timeout=20)
        assert Message.objects.filter(uid=one.uid).exists() is not cancelled
        Message.objects.filter(uid=one.uid).delete()


@every_postgresql
def test_a_scheduled_message_that_an_open_transaction_cancels_holds_up_nobody(
    backend, neighbours, moved_clock
):
    _, actor = held_actor(backend)
    cancelled, other_one = to(delay=10), to(delay=11)
    store_messages([cancelled, other_one], using=backend)
    moved_clock(seconds=20)
    other = neighbours()
    other.begin(backend)
    other.do(cancel_message, cancelled.uid, actor_id=actor.actor_id, using=backend)
    mail = read(actor, backend)
    assert uids(mail)[1:] == [other_one.uid]
    assert mail.next_scheduled_at is not None  # and not in the past: that would be read again at once
    other.roll_back()
    assert uids(read(actor, backend))[1:] == [other_one.uid, cancelled.uid]


def test_a_stale_holder_promotes_nothing(backend, moved_clock):
    _, actor = held_actor(backend)
    store_messages([to(delay=10)], using=backend)
    moved_clock(seconds=20)
    read(actor, backend, epoch=actor.epoch - 1)
    assert Message.objects.scheduled().count() == 1


def test_more_due_messages_than_one_promotion_takes_keep_their_order(backend, moved_clock, monkeypatch):
    monkeypatch.setattr("actorqueues.storage.mailboxes.PROMOTE_CHUNK", 10)
    _, actor = held_actor(backend)
    many = [to(queue="note", delay=100 - number) for number in range(25)]
    store_messages(many, using=backend)
    moved_clock(seconds=200)
    for _ in range(3):
        mail = read(actor, backend, note=100)
    assert uids(mail) == [one.uid for one in reversed(many)]
