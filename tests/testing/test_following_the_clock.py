"""What depends on time and on what is stored: dedupe, expiry, schedules, hooks, pauses, what was sent."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from actorqueues import MessageUnknown, clock
from actorqueues.models import DeadLetter, Message
from actorqueues.testing import Actors
from tests.fixtures.transactions import rolled_back
from tests.testing.actors import Abacus, Add, Clerk


@pytest.fixture
def clerk():
    return Clerk.get_or_create("c")


@pytest.fixture
def abacus():
    return Abacus.get_or_create("a")


def test_the_dedupe_window_ends_by_the_clock(using, actors, abacus):
    assert not abacus.send(Abacus.once, Add()).deduplicated
    actors.run_until_idle()
    assert abacus.send(Abacus.once, Add()).deduplicated
    actors.assert_sent(Abacus.once, times=1)
    actors.clock.advance(minutes=5)
    assert not abacus.send(Abacus.once, Add()).deduplicated
    actors.run_until_idle()
    assert actors.state(Abacus, "a") == {"total": 2}
    actors.assert_sent(Abacus.once, times=2)


def test_messages_expire_by_the_clock(using, actors, abacus):
    abacus.send(Abacus.add, Add(), expires=60)
    actors.clock.advance(seconds=61)
    actors.run_until_idle()
    assert DeadLetter.objects.get().reason == "expired"


def test_a_delayed_message_is_due_when_the_clock_says_so(using, actors, abacus):
    abacus.send(Abacus.add, Add(), delay=timedelta(hours=1))
    actors.run_until_idle()
    assert Message.objects.count() == 1
    actors.clock.advance(timedelta(minutes=59))
    actors.run_until_idle()
    assert Message.objects.count() == 1
    actors.clock.advance(minutes=1)
    actors.run_until_idle()
    assert actors.state(Abacus, "a") == {"total": 1}


def test_replies_are_kept_by_the_clock(using, actors, abacus):
    receipt = abacus.send(Abacus.add, Add())
    actors.run_until_idle()
    assert abacus.wait_for(receipt).status == "completed"
    before = actors.clock.now()
    actors.clock.advance(minutes=11)
    assert actors.clock.now() - before >= timedelta(minutes=11)
    with pytest.raises(MessageUnknown):
        abacus.wait_for(receipt)


def test_the_clock_only_goes_forward_and_is_put_back_at_the_end(using):
    with Actors() as actors:
        actors.clock.advance(days=1)
        with pytest.raises(ValueError, match="forward"):
            actors.clock.advance(seconds=-1)
        assert clock.offset == timedelta(days=1)
    assert clock.offset == timedelta(0)


def test_on_create_gets_its_input_and_destroy_ends_the_generation(using, actors):
    clerk = Clerk.create("c", input={"a": 1})
    actors.run_until_idle()
    assert actors.state(Clerk, "c")["seen"] == ["created with {'a': 1}"]
    clerk.send(Clerk.stumble, {"amount": 0})
    clerk.destroy()
    actors.run_until_idle()
    assert not Clerk.get("c").exists()
    assert Clerk.get_or_create("c").ask(Clerk.stumble, {"amount": 0}) == 2
    assert actors.state(Clerk, "c")["seen"] == ["created with None", "stumble 1"]


def test_paused_actors_and_queues_keep_their_mail(using, actors, abacus):
    abacus.ask(Abacus.add, Add())
    abacus.pause()
    Abacus.once.pause()
    abacus.send(Abacus.add, Add())
    abacus.send(Abacus.once, Add())
    actors.run_until_idle()
    assert Message.objects.count() == 2
    abacus.resume()
    actors.run_until_idle()
    assert Message.objects.count() == 1
    Abacus.once.resume()
    actors.run_until_idle()
    assert actors.state(Abacus, "a") == {"total": 3}


def test_what_was_sent(using, actors, abacus, clerk):
    clerk.send(Clerk.tell_abacus, {"amount": 3}, headers={"trace": "x"}, delay=0)
    actors.assert_sent(Clerk.tell_abacus, key="c", body={"amount": 3}, times=1)
    actors.assert_not_sent(Abacus.add)
    actors.run_until_idle()
    actors.assert_sent(Abacus.add, key="a", body=Add(amount=3), times=1)
    actors.assert_sent("add", body={"amount": 3})
    actors.assert_not_sent(Abacus.add, key="b")
    first, second = actors.sent()
    assert (first.queue, first.key, first.body, first.headers) == (
        "tell_abacus",
        ("c",),
        {"amount": 3},
        {"trace": "x"},
    )
    assert (second.actor_type, json.dumps(second.body)) == ("abacus", '{"amount": 3}')
    with pytest.raises(AssertionError, match=r'abacus/a add {"amount": 3}'):
        actors.assert_sent(Abacus.add, body={"amount": 4})
    with pytest.raises(AssertionError, match="1 such messages were sent, not 2"):
        actors.assert_sent(Abacus.add, times=2)


def test_what_was_rolled_back_was_not_sent(using, actors, abacus, clerk):
    with rolled_back(using):
        abacus.send(Abacus.add, Add())
        actors.assert_sent(Abacus.add)
    clerk.send(Clerk.tell_and_fail, Add())
    actors.run_until_idle()
    actors.assert_not_sent(Abacus.add)
    with pytest.raises(AssertionError, match="not at least one"):
        actors.assert_sent(Abacus.once)
    with transaction.atomic(using=using):
        abacus.send(Abacus.add, Add())
    actors.assert_sent(Abacus.add, times=1)
