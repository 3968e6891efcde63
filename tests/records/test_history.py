"""The history of an actor: what is written, by whom, how much of it stays."""

from datetime import timedelta

import pytest

from actorqueues import Actor, Backoff, Reject, clock, handler
from actorqueues.definitions.context import current_user
from actorqueues.diagnosis.history import read_history
from actorqueues.models import ActorInstance, DeadLetter, HistoryEntry, HistoryKind, Message
from actorqueues.runtime import maintenance
from actorqueues.storage.history import FIRST_LOOK, add_entry, gist, last_look, trim_histories
from actorqueues.storage.pruning import prune
from tests.fixtures.transactions import rolled_back
from tests.fixtures.workers import PATIENCE, eventually
from tests.playground.actors import Scribe

ID = Scribe.get_or_create("main")._target.actor_id
OTHER = Scribe.get_or_create("other")._target.actor_id


@pytest.fixture
def acting_user():
    token = current_user.set("7")
    yield "7"
    current_user.reset(token)


def told(backend, actor_id=ID):
    """The history from its beginning."""
    entries = reversed(read_history(actor_id, backend))
    return [(one.kind, one.queue, one.attempt, one.note, one.user_id) for one in entries]


def kinds(backend, actor_id=ID):
    return [entry[0] for entry in told(backend, actor_id)]


def fill(backend, actor_id, number):
    for place in range(number):
        add_entry(actor_id, HistoryKind.FAILED, note=str(place), using=backend)


def test_failures_and_dead_letters_are_told_and_success_is_not(empty_registry, start_worker, backend):
    class Porter(Actor):
        @handler(max_attempts=2, backoff=Backoff(first=0.02))
        def carry(self, body: str) -> None:
            raise RuntimeError(f"{body} is too heavy")

        @handler
        async def refuse(self) -> None:
            raise Reject("not my job")

        @handler
        def open(self) -> str:
            return "yes"

    start_worker()
    porter = Porter.get_or_create("main")
    assert porter.ask(Porter.open, timeout=PATIENCE) == "yes"
    assert not HistoryEntry.objects.exists()
    carried = porter.send(Porter.carry, "the piano", wait=True, timeout=PATIENCE)
    refused = porter.send(Porter.refuse, wait=True, timeout=PATIENCE)
    assert {carried.status, refused.status} == {"failed"}
    assert told(backend, porter._target.actor_id) == [
        ("failed", "carry", 1, "RuntimeError: the piano is too heavy", None),
        ("dead", "carry", 2, "exhausted: RuntimeError: the piano is too heavy", None),
        ("dead", "refuse", 1, "rejected: not my job", None),
    ]
    assert HistoryEntry.objects.first().message_uid.hex == carried.id


def test_a_crash_is_told(worker_process, backend):
    worker_process(settings={"LEASE": 4, "POLL_INTERVAL": 0.2})
    assert Scribe.get_or_create("main").ask(Scribe.die, {"value": 1}, timeout=60) == 2
    assert told(backend) == [("crashed", "die", 1, "", None)]


def test_operators_are_named(backend, acting_user):
    scribe = Scribe.get_or_create("main")
    scribe.pause()
    scribe.resume()
    scribe.resume()  # nothing to end
    message = scribe.send(Scribe.block, {"seconds": 1})
    assert scribe.cancel(message)
    assert not scribe.cancel(message)
    scribe.destroy()
    assert told(backend) == [
        ("paused", "", None, "", "7"),
        ("resumed", "", None, "", "7"),
        ("cancelled", "block", None, "", "7"),
        ("destroyed", "", None, "", "7"),
    ]


def test_what_is_rolled_back_is_not_told(backend):
    with rolled_back(backend):
        Scribe.get_or_create("main").pause()
    assert told(backend) == []


def test_a_replay_is_one_entry(start_worker, backend, acting_user):
    start_worker()
    scribe = Scribe.get_or_create("main")
    scribe.send_many(Scribe.reject, [{"note": "a"}] * 3)
    eventually(lambda: DeadLetter.objects.count() == 3)
    scribe.pause()
    first, *_ = scribe.dead_letters()
    scribe.replay(first)
    scribe.replay()
    assert told(backend)[3:] == [
        ("paused", "", None, "", "7"),
        ("replayed", "reject", None, "", "7"),
        ("replayed", "", None, "2 messages", "7"),
    ]


def test_only_its_end_is_left_of_a_destroyed_actor(empty_registry, start_worker, backend):
    class Moth(Actor):
        @handler
        async def burn(self) -> None:
            self.destroy()

        @handler
        async def refuse(self) -> None:
            raise Reject("no")

    start_worker()
    for key, end in (("a", lambda moth: moth.destroy()), ("b", lambda moth: moth.send(Moth.burn))):
        moth = Moth.get_or_create(key)
        moth.send(Moth.refuse, wait=True, timeout=PATIENCE)
        end(moth)
        tombstones = ActorInstance.objects.filter(key=key, status="destroyed")
        eventually(tombstones.exists)
        assert kinds(backend, moth._target.actor_id) == ["destroyed"]
    assert not Message.objects.exists()


def test_an_actor_whose_state_does_not_load_tells_that_it_is_held(start_worker, backend):
    scribe = Scribe.get_or_create("main")
    scribe.send(Scribe.doze, {"value": 1})
    worker = start_worker(sleep_after=0)
    eventually(lambda: not Message.objects.exists() and not ActorInstance.objects.awake().exists())
    worker.stop()
    ActorInstance.objects.update(state="[1")
    scribe.send(Scribe.doze, {"value": 1})
    start_worker()
    eventually(lambda: kinds(backend))
    assert kinds(backend) == ["held"]


# Its bounds


def test_the_last_hundred_entries_are_read_and_kept(backend):
    fill(backend, OTHER, 3)
    fill(backend, ID, 130)
    wanted = [str(place) for place in range(30, 130)]
    assert [entry[3] for entry in told(backend)] == wanted
    position = 0
    while (last := trim_histories(position, using=backend)) != position:
        position = last
    assert HistoryEntry.objects.filter(actor_id=ID).count() == 100
    assert [entry[3] for entry in told(backend)] == wanted
    assert HistoryEntry.objects.filter(actor_id=OTHER).count() == 3


def test_a_worker_trims_what_comes_while_it_runs(start_worker, backend, monkeypatch, settings):
    monkeypatch.setattr(maintenance, "PRUNE_EVERY", 0.1)
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "HISTORY_LIMIT": 5}
    start_worker()
    for _ in range(2):
        fill(backend, ID, 8)
        eventually(lambda: HistoryEntry.objects.count() == 5)
    assert [entry[3] for entry in told(backend)] == list("34567")


def test_a_worker_that_begins_does_not_look_at_all_histories(backend):
    assert last_look(using=backend) == 0
    add_entry(ID, HistoryKind.PAUSED, using=backend)
    latest = HistoryEntry.objects.get()
    HistoryEntry.objects.create(
        id=latest.id + 3 * FIRST_LOOK, actor_id=ID, kind="resumed", happened_at=latest.happened_at
    )
    assert last_look(using=backend) == latest.id + 2 * FIRST_LOOK


def test_old_entries_go(backend, monkeypatch):
    add_entry(ID, HistoryKind.PAUSED, using=backend)
    monkeypatch.setattr(clock, "offset", clock.offset + timedelta(days=31))
    add_entry(ID, HistoryKind.RESUMED, using=backend)
    prune(using=backend)
    assert kinds(backend) == ["resumed"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("", ""),
        ("no", "no"),
        ("a\nb\nc\nd", "a\nb\nc"),
        ("x" * 600, "x" * 500),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in b\n    c()\nValueError: no\n',
            "ValueError: no",
        ),
        ("Traceback (most recent call last):\n  File 1\nValueError: one\ntwo\n", "ValueError: one\ntwo"),
        (
            "Traceback (most recent call last):\n  File 1\n    x\nInvalid: a\n  is bad\n",
            "Invalid: a\n  is bad",
        ),
        ("Traceback: cut off", "Traceback: cut off"),
    ],
)
def test_the_gist_of_an_error_is_the_exception(error, expected):
    assert gist(error) == expected
