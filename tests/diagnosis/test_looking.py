"""However many queues, types and actors there are, a look at them takes a few queries."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

from django.utils import timezone

from actorqueues.definitions.keys import actor_id_for
from actorqueues.diagnosis import mail, mailboxes, snapshot, standing, workers
from actorqueues.diagnosis.counts import count_messages
from actorqueues.diagnosis.dead_letters import DeadLetterFilter, newest_dead_letters
from actorqueues.diagnosis.unclaimed import find_actors
from actorqueues.diagnosis.underway import queues_of
from actorqueues.models import ActorInstance, DeadLetter, Message, Pause, Wake
from tests.fixtures.backends import only_postgresql
from tests.playground.actors import Tally

LARGE = {"state", "input", "held_reason"}
LATER = timedelta(hours=1)


def send(key="a", queue=None, **changes):
    """A message, renamed to a queue that the code need not know."""
    receipt = Tally.get_or_create(key).send("increment", {"amount": 1})
    message = Message.objects.filter(uid=receipt.id)
    message.update(queue=queue or "increment", **changes)
    return message.get()


def store(key, type_name="tally", **fields):
    """The row of an actor as a worker leaves it."""
    return ActorInstance.objects.create(
        id=actor_id_for(type_name, key), type=type_name, key=key, created_at=timezone.now(), **fields
    )


def test_the_queues_of_an_actor_are_found_at_once(backend, queries_of):
    for number in range(40):
        actor_id = send(queue=f"q{number:02}").actor_id
        send(queue=f"q{number:02}")
    send("b", queue="another's")
    send(queue="later", scheduled_at=timezone.now() + LATER)
    mine = sorted(["increment", *(f"q{number:02}" for number in range(40))])
    assert queues_of(actor_id, "tally", backend) == mine
    assert queues_of(actor_id, "nobodys", backend) == mine[1:]
    assert queues_of(uuid4(), "tally", backend) == ["increment"]
    assert queries_of(lambda: queues_of(actor_id, "tally", backend)) <= 1


def test_actors_without_a_row_are_named_at_once(backend, queries_of):
    ids = [send(str(number)).actor_id for number in range(20)]
    store("0")
    Wake.objects.create(type="another", actor_id=uuid4(), key="x")
    found = find_actors([*reversed(ids), uuid4()], backend)
    assert [str(actor) for actor in found] == [f"tally/{number}" for number in reversed(range(20))]
    assert queries_of(lambda: find_actors(ids, backend)) <= 3


@only_postgresql
def test_the_doctor_does_not_ask_for_each_type_and_actor(backend, look, queries_of, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "POLL_INTERVAL": 0.01}
    parts = (mail.oldest, mail.in_flight, mail.without_code, workers.alive)

    def fill(count):
        for _ in range(count):
            type_name, actor_id = f"t{uuid4().hex}", send(uuid4().hex).actor_id
            Wake.objects.filter(actor_id=actor_id).update(type=type_name)
            long_ago = timezone.now() - LATER
            actor = store(uuid4().hex, type_name, worker_id=uuid4())
            Message.objects.filter(pk=send(uuid4().hex).pk).update(actor_id=actor.id, started_at=long_ago)
            store(uuid4().hex, type_name, wake_at=long_ago)

    fill(2)
    few = [queries_of(partial(look, part)) for part in parts]
    fill(10)
    assert [queries_of(partial(look, part)) for part in parts] == few
    assert sum(one.seen.startswith("t") for one in mail.oldest(backend)) == 12


def test_pauses_that_keep_mail_waiting_are_found_at_once(backend, queries_of):
    """In a row's queue, in any of its queues, or for an actor that has no row yet."""

    def pause(type_name, queue="", hours=2):
        return Pause.objects.create(type=type_name, queue=queue, paused_at=timezone.now() - hours * LATER)

    store("a")
    send("a", queue="full")
    Wake.objects.filter(type="tally").delete()
    Wake.objects.create(type="woken", actor_id=uuid4(), key="a")
    waiting = {pause("tally"), pause("tally", "full"), pause("woken")}
    pause("tally", "empty"), pause("woken", "queue"), pause("nobody")
    assert set(standing.with_mail(Pause.objects.using(backend).all(), backend)) == waiting
    few = queries_of(lambda: list(standing.pauses(backend)))
    for number in range(10):
        pause(f"t{number}")
    assert queries_of(lambda: list(standing.pauses(backend))) == few


def test_work_of_each_type_is_found_where_it_is(backend):
    """In wakes, and in actors that are due: neither paused nor held."""
    now = timezone.now()
    send("a")
    store("due", "due", wake_at=now - LATER)
    store("later", "later", wake_at=now + LATER)
    store("paused", "paused", wake_at=now - LATER, paused_at=now)
    store("held", "held", wake_at=now - LATER, status="held")
    assert workers.types_with_work(backend) == ["due", "tally"]


def test_actors_at_work_are_counted_among_those_that_were_looked_at(backend, monkeypatch):
    for number in range(3):
        store(str(number), worker_id=uuid4())
        send(str(number), started_at=timezone.now())
    seen = snapshot.take_snapshot(backend)
    assert (seen.at_work, seen.all_awake_seen) == (3, True)
    monkeypatch.setattr(snapshot, "AWAKE_PLACES", 2)
    seen = snapshot.take_snapshot(backend)
    assert (seen.at_work, seen.all_awake_seen) == (2, False)


def test_candidates_for_the_oldest_message_are_bounded_by_their_queues(monkeypatch, playground_registry):
    queues = len(mailboxes.known_queues("scribe"))
    scribes, tallies = [("scribe", uuid4()) for _ in range(9)], [("tally", uuid4())]
    assert len(snapshot.fitting(scribes, 3 * queues + 1)) == 3
    assert len(snapshot.fitting([*scribes[:1] * 5, *tallies], queues + 1)) == 2


def test_a_retry_whose_time_has_come_counts_as_ready(backend):
    send("a", retry_at=timezone.now() + LATER)
    send("b", retry_at=timezone.now() - LATER)
    send("c")
    found = {row.status: row.messages for row in count_messages(backend)}
    assert found == {"retrying": 1, "ready": 2}


def test_lists_of_dead_letters_leave_out_states_and_bodies(backend, queries_of):
    actor = store("a", state="{}")
    DeadLetter.objects.create(
        uid=uuid4(), actor=actor, sequence=1, queue="increment", enqueued_at=timezone.now(), reason="rejected",
        died_at=timezone.now(),
    )  # fmt: skip
    [letter] = newest_dead_letters(DeadLetterFilter(), 10, backend)
    assert letter.get_deferred_fields() == {"body", "meta"}
    assert letter.actor.get_deferred_fields() == LARGE
    assert queries_of(lambda: list(standing.dead_letters(backend))) == 2 + (backend == "postgresql")


def test_who_only_names_actors_does_not_read_their_states(backend):
    actor = store("a", state="{}")
    assert [one.get_deferred_fields() for one in find_actors([actor.id], backend)] == [LARGE]
    assert [one.get_deferred_fields() for one in find_actors([actor.id], backend, whole=True)] == [set()]
