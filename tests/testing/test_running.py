"""``actors``: everything on the test's thread, in its transaction or in none."""

import threading

import pytest

from actorqueues import ReplyTimedOut, signals
from actorqueues.models import ActorInstance, DeadLetter, Journal, Message, Wake, Worker
from tests.playground.models import Ledger
from tests.testing.actors import Abacus, Add, Broken, Clerk, Idler, Listener, Total


@pytest.fixture
def clerk():
    return Clerk.get_or_create("c")


@pytest.fixture
def abacus():
    return Abacus.get_or_create("a")


def test_waiting_runs_the_actor_inline(using, actors, abacus):
    assert abacus.ask(Abacus.add, {"amount": 5}) == Total(total=5)
    result = abacus.send(Abacus.add, {"amount": 2}, wait=True)
    assert (result.status, result.response) == ("completed", Total(total=7))
    receipt = abacus.send(Abacus.add, {"amount": 1})
    assert abacus.wait_for(receipt).response == Total(total=8)
    assert actors.state(Abacus, "a") == {"total": 8}


def test_run_until_idle_handles_all_that_is_due_and_leaves_nothing_behind(using, actors, abacus, clerk):
    for _ in range(3):
        abacus.send(Abacus.add, Add())
        clerk.send(Clerk.tell_abacus, Add(amount=10))
    assert Message.objects.count() == 6
    actors.run_until_idle()
    assert actors.state(Abacus, "a") == {"total": 33}
    for model in (Message, Wake, Worker, Journal):
        assert not model.objects.exists()
    assert not ActorInstance.objects.exclude(worker_id=None).exists()
    assert not [thread for thread in threading.enumerate() if thread.name == "aq-inline"]
    actors.run_until_idle()


def test_a_failed_attempt_is_retried_when_the_clock_was_moved(using, actors, clerk):
    receipt = clerk.send(Clerk.stumble, {"amount": 2}, track=True)
    actors.run_until_idle()
    assert [str(error) for error in actors.errors] == ["attempt 1"]
    actors.run_until_idle()
    assert len(actors.errors) == 1
    actors.clock.advance(seconds=1)
    actors.run_until_idle()
    actors.clock.advance(seconds=1.5)
    actors.run_until_idle()
    assert len(actors.errors) == 2
    actors.clock.advance(seconds=0.5)
    actors.run_until_idle()
    assert len(actors.errors) == 2
    assert clerk.wait_for(receipt).status == "completed"
    assert actors.state(Clerk, "c")["seen"][1:] == ["stumble 3"]


def test_a_wait_that_nothing_due_can_end_times_out_at_once_and_names_the_failure(using, actors, clerk):
    result = clerk.send(Clerk.stumble, {"amount": 1}, wait=True, timeout=60)
    assert result.status == "timed_out"
    assert "RuntimeError: attempt 1" in result.error
    with pytest.raises(ReplyTimedOut):
        clerk.ask(Clerk.stumble, {"amount": 1}, timeout=60)


def test_errors_are_raised_when_asked_for(using, actors, clerk):
    clerk.send(Clerk.stumble, {"amount": 1})
    with pytest.raises(RuntimeError, match="attempt 1"):
        actors.run_until_idle(raise_errors=True)
    clerk.send(Clerk.give_up)
    Clerk.get_or_create("d").send(Clerk.give_up)
    actors.clock.advance(seconds=1)
    with pytest.raises(ExceptionGroup) as group:
        actors.run_until_idle(raise_errors=True)
    assert [str(error) for error in group.value.exceptions] == ["never", "never"]


def test_dead_letters_and_rejections_answer_at_once(using, actors, clerk):
    assert clerk.send(Clerk.reject, wait=True).error == "no"
    result = clerk.send(Clerk.give_up, wait=True)
    assert result.status == "timed_out"
    actors.clock.advance(seconds=1)
    assert clerk.wait_for(result.id).status == "failed"
    assert DeadLetter.objects.count() == 2


def test_what_fails_outside_a_delivery_is_an_error_too(using, actors):
    Broken.get_or_create("b").send(Broken.ping)
    actors.run_until_idle()
    assert "no beginning" in [str(error) for error in actors.errors]


@pytest.mark.parametrize("queue", [Clerk.enter, Clerk.enter_async])
def test_handlers_share_the_tests_connection(using, actors, clerk, queue):
    Ledger.objects.create(actor_key="test", message_id="-")
    assert clerk.ask(queue, {"amount": 4}) == 2
    assert list(Ledger.objects.values_list("value", flat=True).order_by("id")) == [0, 4]


def test_an_atomic_block_that_fails_leaves_nothing(using, actors, clerk):
    receipt = clerk.send(Clerk.enter_in_block, {"amount": 4}, track=True)
    actors.run_until_idle()
    assert not Ledger.objects.exists()
    actors.clock.advance(seconds=1)
    assert clerk.wait_for(receipt).status == "completed"
    assert Ledger.objects.count() == 1


@pytest.mark.parametrize("queue", [Clerk.ask_abacus, Clerk.ask_abacus_async])
def test_actors_ask_each_other(using, actors, clerk, queue):
    assert clerk.ask(queue, {"amount": 3}) == 3


def test_many_ask_at_once(using, actors, clerk):
    assert clerk.ask(Clerk.ask_many, {"amount": 4}) == [1, 2, 3, 4]


@pytest.mark.parametrize("queue", [Clerk.ask_idler, Clerk.ask_idler_async])
def test_an_actor_that_waits_in_vain_is_told_so(using, actors, clerk, queue):
    assert clerk.ask(queue) == "timed_out"


def test_a_held_message_is_handled_once_the_other_one_has_come(using, actors):
    idler = Idler.get_or_create("i")
    receipt = idler.send(Idler.start)
    assert idler.wait_for(receipt).status == "timed_out"
    idler.send(Idler.go, "now")
    assert idler.wait_for(receipt).response == "now"


def test_code_that_waits_for_real_is_waited_for_and_no_longer_than_asked(using, actors, clerk):
    assert clerk.ask(Clerk.doze) == "awake"
    clerk.send(Clerk.wait_for_ever)
    with pytest.raises(TimeoutError, match="clerk/c"):
        actors.run_until_idle(timeout=0.2)


def test_actors_cannot_run_the_actors(using, actors, clerk, monkeypatch):
    monkeypatch.setattr(Clerk, "see", lambda self, message: actors.run_until_idle())
    clerk.send(Clerk.stumble, {"amount": 0})
    with pytest.raises(RuntimeError, match="running already"):
        actors.run_until_idle(raise_errors=True)


def test_signals_reach_the_test(using, actors, clerk):
    told = []

    def receiver(attempt, **values):
        told.append((values["queue"], attempt, threading.current_thread()))

    signals.message_settled.connect(receiver)
    try:
        clerk.ask(Clerk.doze)
    finally:
        signals.message_settled.disconnect(receiver)
    assert told == [("doze", 1, threading.current_thread())]


def test_tasks_that_receive_for_their_actor_are_at_rest_too(using, actors, monkeypatch):
    monkeypatch.setattr(Listener, "heard", [])
    Listener.get_or_create("l").send(Listener.right, "hello")
    actors.run_until_idle(timeout=5)
    assert Listener.heard == ["hello"]
