"""A queue is emptied from outside, while its actors work or rest."""

import json
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from actorqueues.models import ActorInstance, Deduplication, HistoryEntry, Message, Outcome, Wake
from actorqueues.storage import purging
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.ids import key_id
from actorqueues.storage.mailboxes import MailRequest, read_mail
from actorqueues.storage.operations import Destroy, Return
from actorqueues.storage.purging import Purged, purge_queue, purge_type
from actorqueues.storage.sending import store_messages
from tests.fixtures.backends import every_postgresql
from tests.storage.leases import (
    Holder,
    begin,
    chain_of,
    failed_once,
    heads_of,
    held_actor,
    mail_for,
    release,
    settle,
    stranded_actors,
)
from tests.storage.outgoing import to
from tests.storage.waits import wait_for_lock


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(purging, "CHUNK", 4)
    monkeypatch.setattr(purging, "MOST_ACTORS", 2)
    monkeypatch.setattr(purging, "PAGE", 3)


def keyed(key, **given):
    """As a sender makes it: the message says which keys lead to it."""
    meta = json.dumps({"keys": [key_id("dedupe", to().actor_id, "increment", key).hex]})
    return to(dedupe=key, meta=meta, **given)


def purged(backend, actor_id, queue="increment", **given):
    return sum(part.messages for part in purge_queue(actor_id, queue, using=backend, **given))


def purged_of_type(backend, queue="increment", **given):
    return sum(part.messages for part in purge_type("ledger", queue, using=backend, **given))


def test_all_messages_of_the_queue_go_and_no_others(backend, small_chunks):
    actor_id = to().actor_id
    mail_for(backend, "main", count=11)
    mail_for(backend, "main", count=3, delay=60)
    mail_for(backend, "main", queue="note")
    mail_for(backend, "main", queue="note", delay=60)
    mail_for(backend, "another")
    parts = list(purge_queue(actor_id, "increment", user_id="7", using=backend))
    assert [part.messages for part in parts] == [3, 4, 4, 3]
    left = Message.objects.values_list("queue", "actor_id")
    assert sorted(left) == sorted([("note", actor_id)] * 2 + [("increment", to("another").actor_id)])
    entry = HistoryEntry.objects.get()
    assert (entry.kind, entry.queue, entry.note, entry.user_id) == ("purged", "increment", "14 messages", "7")
    assert list(purge_queue(actor_id, "increment", using=backend)) == []
    assert HistoryEntry.objects.count() == 1


def test_what_came_after_a_look_is_left_alone(backend, small_chunks):
    actor_id = to().actor_id
    assert purging.newest_message(backend) == 0
    assert purged(backend, actor_id, newest=0) == 0
    mail_for(backend, "main", count=9)
    mail_for(backend, "main", delay=60)
    newest = purging.newest_message(backend)
    mail_for(backend, "main", count=9)
    mail_for(backend, "main", delay=60)
    assert purged(backend, actor_id, newest=newest) == 10
    assert Message.objects.filter(id__gt=newest).count() == 10
    mail_for(backend, "another")
    assert purged_of_type(backend, newest=newest) == 0
    assert purged_of_type(backend, newest=purging.newest_message(backend)) == 11


def test_senders_are_answered_and_keys_are_free_again(backend):
    first = keyed("a", keeps_outcome=True, user_id="7")
    store_messages([first, keyed("b"), to("another", dedupe="a")], using=backend)
    [part] = purge_queue(first.actor_id, "increment", using=backend)
    assert part == Purged(2, frozenset([first.uid]), frozenset())
    outcome = Outcome.objects.get()
    assert (outcome.uid, outcome.status, outcome.error, outcome.user_id) == (
        first.uid,
        "failed",
        "purged",
        "7",
    )
    assert Deduplication.objects.count() == 1
    [again] = store_messages([to(dedupe="a")], using=backend)
    assert not again.deduplicated
    assert HistoryEntry.objects.get().note == "2 messages"


def test_a_key_that_leads_to_another_message_by_now_stays(backend):
    store_messages([one := keyed("a")], using=backend)
    Deduplication.objects.update(message_uid=to().uid)
    assert purged(backend, one.actor_id) == 1
    assert Deduplication.objects.count() == 1


def test_what_is_in_flight_stays_however_much_of_it_there_is(backend, small_chunks):
    [actor_id] = mail_for(backend, "main", count=30)
    ids = list(Message.objects.order_by("id").values_list("id", flat=True))
    Message.objects.filter(id__in=ids[:20]).update(started_at=timezone.now())
    assert purged(backend, actor_id) == 10
    assert list(Message.objects.order_by("id").values_list("id", flat=True)) == ids[:20]
    assert HistoryEntry.objects.get().note == "10 messages"


def test_what_is_sent_meanwhile_does_not_keep_it_from_ending(backend, small_chunks):
    [actor_id] = mail_for(backend, "main", count=8)
    parts = 0
    for _part in purge_queue(actor_id, "increment", using=backend):
        parts += 1
        mail_for(backend, "main", count=8)
    assert parts == 2
    assert Message.objects.count() == 16


def test_a_scheduled_message_that_comes_due_meanwhile_goes_too(backend, small_chunks):
    _holder, actor = held_actor(backend)
    mail_for(backend, "main", count=12, delay=60)
    parts = purge_queue(actor.actor_id, "increment", using=backend)
    assert next(parts).messages == 4
    Message.objects.scheduled().update(
        scheduled_at=dialect_for(backend).now(connections[backend]) - timedelta(seconds=1)
    )
    read_mail([MailRequest(actor.actor_id, actor.epoch, {"increment": 9}, True)], using=backend)
    assert not Message.objects.scheduled().exists()
    assert sum(part.messages for part in parts) == 9
    assert not Message.objects.exists()


def test_all_actors_of_a_type_are_purged_deep_and_shallow_claimed_or_not(backend, small_chunks):
    claimed = mail_for(backend, *"abcdefg", count=1)
    holder = Holder(backend)
    for actor in holder.claim(*claimed):
        holder.release(actor)
    mail_for(backend, "d", count=9)
    mail_for(backend, "e", delay=60)
    unclaimed = mail_for(backend, "x", "y", "z", count=2)
    note = mail_for(backend, "a", "x", queue="note")
    assert purged_of_type(backend) == 7 + 9 + 1 + 6
    assert set(Message.objects.values_list("queue", flat=True)) == {"note"}
    notes = dict(HistoryEntry.objects.values_list("actor_id", "note"))
    assert notes == {
        **dict.fromkeys(claimed, "1 message"),
        to("d").actor_id: "10 messages",
        to("e").actor_id: "2 messages",
        **dict.fromkeys(unclaimed, "2 messages"),
    }
    assert purged_of_type(backend) == 0
    assert purged_of_type(backend, "note") == len(note)


def test_an_actor_whose_failing_head_goes_is_looked_at(backend):
    holder, actor = held_actor(backend, count=2)
    head = heads_of(backend, actor.actor_id)[0]
    holder.commit(chain_of(actor, begin(head), (Return(failed_once(head), 300.0, "failed"),), release()))
    assert not Wake.objects.exists()
    [part] = purge_queue(actor.actor_id, "increment", using=backend)
    assert part.woken == {actor.actor_id}
    assert Wake.objects.get().actor_id == actor.actor_id


def test_a_holder_is_refused_what_was_purged_and_settles_what_was_not(backend):
    holder, actor = held_actor(backend, count=3)
    first, second, third = heads_of(backend, actor.actor_id)
    holder.commit(chain_of(actor, begin(first)))
    assert purged(backend, actor.actor_id) == 2
    assert holder.commit(chain_of(actor, settle(first)))[0].status == "committed"
    for chain in (chain_of(actor, begin(second)), chain_of(actor, begin(second), settle(second))):
        assert holder.commit(chain)[0].status == "refused"
    assert holder.commit(chain_of(actor, begin(third), release()))[0].status == "refused"
    assert holder.release(actor).status == "committed"


def test_it_joins_the_callers_transaction(backend):
    [actor_id] = mail_for(backend, "main", keeps_outcome=True)
    with transaction.atomic(using=backend):
        assert purged(backend, actor_id) == 1
        transaction.set_rollback(True, using=backend)
    assert (Message.objects.count(), Outcome.objects.count(), HistoryEntry.objects.count()) == (1, 0, 0)


@every_postgresql
def test_actors_that_somebody_has_locked_come_last_and_are_waited_for(backend, neighbours):
    ids = mail_for(backend, *"abc", count=2)
    holder, worker, operator = Holder(backend), neighbours(), neighbours()
    actors = {actor.actor_id: actor for actor in holder.claim(*ids)}
    [first, _] = heads_of(backend, ids[0])
    worker.begin(backend)
    worker.do(holder.commit, chain_of(actors[ids[0]], begin(first)))
    purging_all = operator.start(purged_of_type, backend)
    wait_for_lock(backend)
    assert set(Message.objects.values_list("actor_id", flat=True)) == {ids[0]}
    worker.commit()
    assert purging_all.result(timeout=20) == 5
    assert Message.objects.get().id == first.id


@every_postgresql
def test_the_journal_puts_off_the_purged_actor_alone(backend, neighbours):
    holder, mine = held_actor(backend, "a")
    _, other = held_actor(backend, "b", holder=holder)
    operator = neighbours()
    operator.begin(backend)
    assert operator.do(purged, backend, mine.actor_id) == 1
    chains = [chain_of(one, begin(head)) for one in (mine, other) for head in heads_of(backend, one.actor_id)]
    assert [result.status for result in holder.commit(*chains)] == ["locked", "committed"]
    operator.commit()


def test_a_purge_against_a_drain_leaves_each_message_settled_or_purged(backend, neighbours, rounds):
    operator, holder = neighbours(), Holder(backend, lease=3600)
    for _ in rounds(40):
        ids = mail_for(backend, *"abc", count=8, keeps_outcome=True)
        actors = {actor.actor_id: actor for actor in holder.claim(*ids)}
        purging_all = operator.start(purged_of_type, backend)
        for head in heads_of(backend, *ids):
            chain = chain_of(actors[head.actor_id], begin(head), settle(head))
            while holder.commit(chain)[0].status == "locked":
                pass
        removed = purging_all.result(timeout=20)
        statuses = list(Outcome.objects.values_list("status", flat=True))
        assert len(statuses) == 24
        assert statuses.count("failed") == removed
        assert not Message.objects.exists()
        for actor in actors.values():
            holder.release(actor)
        Outcome.objects.all().delete()


def test_a_purge_against_releases_and_sends_strands_nothing(backend, neighbours, rounds):
    operator, sender, holder = neighbours(), neighbours(), Holder(backend, lease=3600)
    for _ in rounds(60):
        ids = mail_for(backend, *"abc", count=2)
        actors = holder.claim(*ids)
        for actor in actors:
            head = heads_of(backend, actor.actor_id)[0]
            failed = (Return(failed_once(head), 300.0, "failed"),)
            holder.commit(chain_of(actor, begin(head), failed))
        purging_all = operator.start(purged_of_type, backend)
        sending = sender.start(mail_for, backend, *"abc")
        for actor in actors:
            while holder.release(actor).status == "locked":
                pass
        purging_all.result(timeout=20)
        sending.result(timeout=20)
        assert not stranded_actors()
        due = dialect_for(backend).now(connections[backend]) + timedelta(seconds=60)
        for message in Message.objects.all():  # what came meanwhile does not wait for a head that is gone
            assert is_looked_at_before(due, message.actor_id)
        purged_of_type(backend)


def is_looked_at_before(due, actor_id):
    row = ActorInstance.objects.get(id=actor_id)
    return Wake.objects.filter(actor_id=actor_id).exists() or (row.wake_at and row.wake_at < due)


def test_a_purge_against_a_destroy_answers_each_sender_once(backend, neighbours, rounds):
    operator, holder = neighbours(), Holder(backend, lease=3600)
    for _ in rounds(60):
        ids = mail_for(backend, *"abc", count=3, keeps_outcome=True)
        actors = holder.claim(*ids)
        purging_all = operator.start(purged_of_type, backend)
        for actor in actors:
            while holder.commit(chain_of(actor, (Destroy("gone"),)))[0].status == "locked":
                pass
        removed = purging_all.result(timeout=20)
        errors = list(Outcome.objects.values_list("error", flat=True))
        assert (len(errors), errors.count("purged")) == (9, removed)
        assert not Message.objects.exists()
        Outcome.objects.all().delete()
