"""A message that is not in flight becomes a dead letter by hand."""

from django.utils import timezone

from actorqueues.models import ActorInstance, DeadLetter, Deduplication, HistoryEntry, Message, Wake
from actorqueues.storage.burying import BURIED, Burial, bury_message
from actorqueues.storage.dead_letters import replay_dead_letters
from actorqueues.storage.history import gist
from actorqueues.storage.operations import Destroy, Return
from actorqueues.storage.outcomes import read_outcomes
from actorqueues.storage.sending import store_messages
from tests.fixtures.backends import every_postgresql
from tests.storage.leases import (
    Holder,
    begin,
    chain_of,
    failed_once,
    heads_of,
    held_actor,
    is_found,
    mail_for,
    release,
    settle,
    stranded_actors,
)
from tests.storage.outgoing import to
from tests.storage.waits import wait_for_lock


def bury(backend, message, **given):
    """``message``: whatever has a ``uid`` and an ``actor_id``."""
    return bury_message(message.uid, actor_id=message.actor_id, using=backend, **given)


def test_a_message_is_put_aside_with_all_that_it_had(backend):
    one = to(keeps_outcome=True, user_id="7", meta='{"headers":{"x":"1"}}', dedupe="a")
    store_messages([one], using=backend)
    sequence = Message.objects.get().id
    assert bury(backend, one, note="poison", user_id="9") is Burial.DONE
    assert not Message.objects.exists()
    letter = DeadLetter.objects.get()
    assert (letter.uid, letter.sequence, letter.body, letter.user_id) == (one.uid, sequence, one.body, "7")
    assert (letter.reason, letter.error, letter.failures) == ("buried", "poison", 0)
    outcome = read_outcomes([one.uid], using=backend)[one.uid]
    assert (outcome.status, outcome.error, outcome.user_id) == ("failed", "poison", "7")
    assert Deduplication.objects.count() == 1  # as with every dead letter
    entry = HistoryEntry.objects.get()
    assert (entry.kind, entry.queue, entry.message_uid) == ("buried", "increment", one.uid)
    assert (entry.note, entry.user_id) == ("poison", "9")
    assert bury(backend, one) is Burial.GONE
    assert (
        ActorInstance.objects.get().key == "main"
    )  # nobody had claimed it: its dead letters are found by its row
    assert replay_dead_letters(one.actor_id, "ledger", "main", using=backend) == [one.uid]


def test_who_did_not_ask_for_an_outcome_gets_none_and_without_a_note_it_says_who(backend):
    store_messages([one := to(delay=60)], using=backend)
    assert bury(backend, one, note="\x00") is Burial.DONE
    assert read_outcomes([one.uid], using=backend) == {}
    assert DeadLetter.objects.get().error == "\\x00"
    store_messages([other := to()], using=backend)
    assert bury(backend, other) is Burial.DONE
    assert DeadLetter.objects.get(uid=other.uid).error == BURIED


def test_what_is_in_flight_or_anothers_is_left_alone(backend):
    store_messages([one := to()], using=backend)
    assert bury_message(one.uid, actor_id=to("another").actor_id, using=backend) is Burial.GONE
    Message.objects.update(started_at=timezone.now())
    assert bury(backend, one) is Burial.IN_FLIGHT
    assert Message.objects.count() == 1


def test_a_failing_head_goes_with_its_error_and_the_next_message_has_its_turn(backend):
    holder, actor = held_actor(backend, count=2)
    first, second = heads_of(backend, actor.actor_id)
    holder.commit(chain_of(actor, begin(first), (Return(failed_once(first), 300.0, "failed"),), release()))
    assert not Wake.objects.exists()
    assert bury(backend, first, note="poison") is Burial.DONE
    letter = DeadLetter.objects.get()
    assert (letter.failures, letter.error) == (1, "poison\n\nIts last attempt:\nboom")
    assert gist(letter.error).startswith("poison")
    assert Wake.objects.get().actor_id == actor.actor_id
    [again] = holder.claim(actor.actor_id)
    assert [head.id for head in heads_of(backend, again.actor_id)] == [second.id]


def test_a_holder_that_has_it_in_memory_is_refused_its_start_mark_and_goes_on(backend):
    holder, actor = held_actor(backend, count=2)
    first, second = heads_of(backend, actor.actor_id)
    holder.commit(chain_of(actor, begin(first), (Return(failed_once(first), 0.0, "failed"),)))
    assert bury(backend, first) is Burial.DONE
    [result] = holder.commit(chain_of(actor, begin(first)))
    assert (result.status, result.applied) == ("refused", 0)
    [result] = holder.commit(chain_of(actor, begin(second), settle(second), release()))
    assert result.status == "committed"
    assert not Message.objects.exists()


@every_postgresql
def test_it_waits_for_a_commit_of_the_holder_that_is_under_way(backend, neighbours):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    worker, operator = neighbours(), neighbours()
    worker.begin(backend)
    worker.do(holder.commit, chain_of(actor, begin(head)))
    burying = operator.start(bury, backend, head)
    wait_for_lock(backend)
    worker.commit()
    assert burying.result(timeout=20) is Burial.IN_FLIGHT


@every_postgresql
def test_the_holders_journal_puts_the_actor_off_and_is_refused_then(backend, neighbours):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    operator = neighbours()
    operator.begin(backend)
    assert operator.do(bury, backend, head) is Burial.DONE
    assert holder.commit(chain_of(actor, begin(head)))[0].status == "locked"
    operator.commit()
    assert holder.commit(chain_of(actor, begin(head)))[0].status == "refused"


def test_a_burial_against_a_start_mark_is_one_or_the_other(backend, neighbours, rounds):
    operator, holder = neighbours(), Holder(backend, lease=3600)
    for _ in rounds(100):
        _, actor = held_actor(backend, holder=holder)
        [head] = heads_of(backend, actor.actor_id)
        burying = operator.start(bury, backend, head)
        [result] = commit_until_applied(holder, chain_of(actor, begin(head)))
        done = burying.result(timeout=20)
        assert (done, result.status) in (
            (Burial.DONE, "refused"),
            (Burial.IN_FLIGHT, "committed"),
        )
        assert Message.objects.count() + DeadLetter.objects.count() == 1
        holder.commit(chain_of(actor, release()))
        Message.objects.all().delete()
        DeadLetter.objects.all().delete()


def test_a_burial_of_a_failing_head_against_a_release_strands_nothing(backend, neighbours, rounds):
    operator, holder = neighbours(), Holder(backend, lease=3600)
    for _ in rounds(100):
        [actor_id] = mail_for(backend, "main", count=2)
        [actor] = holder.claim(actor_id)
        first = heads_of(backend, actor_id)[0]
        holder.commit(chain_of(actor, begin(first), (Return(failed_once(first), 300.0, "failed"),)))
        burying = operator.start(bury, backend, first)
        commit_until_applied(holder, chain_of(actor, release()))
        assert burying.result(timeout=20) is Burial.DONE
        assert is_found(actor_id)
        assert not stranded_actors()
        [again] = holder.claim(actor_id)
        holder.commit(chain_of(again, *map(settle, heads_of(backend, actor_id)), release()))


def test_a_burial_against_a_destroy_leaves_no_dead_letter_behind(backend, neighbours, rounds):
    operator, holder = neighbours(), Holder(backend, lease=3600)
    for _ in rounds(100):
        [actor_id] = mail_for(backend, "main", keeps_outcome=True)
        [actor] = holder.claim(actor_id)
        [head] = heads_of(backend, actor_id)
        burying = operator.start(bury, backend, head)
        commit_until_applied(holder, chain_of(actor, (Destroy("gone"),)))
        assert burying.result(timeout=20) in (Burial.DONE, Burial.GONE)
        assert not DeadLetter.objects.exists()
        assert read_outcomes([head.uid], using=backend)[head.uid].status == "failed"


def commit_until_applied(holder, chain):
    """As a worker does: what somebody has locked is put off."""
    while (results := holder.commit(chain))[0].status == "locked":
        pass
    return results
