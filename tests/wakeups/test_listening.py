import logging
import queue
import threading
import time
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.utils import timezone

from actorqueues.models import Pause, Wake
from actorqueues.wakeups import Listener, announce, announce_after_commit, local, notifying, transport_of
from actorqueues.wakeups.notifying import notifier_of, payloads
from actorqueues.wakeups.postgresql import ids_of
from tests.fixtures.backends import only_postgresql, only_sqlite


class Heard:
    """What a listener was told, from the moment it listened."""

    def __init__(self, listener_of):
        self.hints = queue.Queue()
        self.listener = listener_of(lambda topic, ids: self.hints.put((topic, ids)))

    def next(self, timeout=10):
        return self.hints.get(timeout=timeout)

    def until(self, wanted, timeout=10):
        """The first hint that ``wanted`` says yes to."""
        deadline = time.monotonic() + timeout
        while not wanted(hint := self.next(max(0.01, deadline - time.monotonic()))):
            pass
        return hint

    def nothing_within(self, seconds):
        with pytest.raises(queue.Empty):
            self.hints.get(timeout=seconds)


@pytest.fixture
def listen(backend):
    started = []

    def start(*topics, told_directly=False, **options):
        heard = Heard(lambda on_hint: Listener(backend, topics, on_hint, **options))
        heard.listener.start()
        started.append(heard.listener)
        for topic in topics:
            assert heard.next() == (topic, None)  # on connecting: for what was missed
            if not told_directly:
                local.remove(backend, topic, heard.listener._on_hint)  # as if announced by another process
        return heard

    yield start
    for listener in started:
        listener.stop()


def commit_something(using):
    return Wake.objects.using(using).create(type="ledger", actor_id=uuid4(), key="a").actor_id


@only_postgresql
def test_a_hint_reaches_other_processes_with_its_ids(backend, listen):
    heard = listen("work", "done")
    actor, message = uuid4(), uuid4()
    announce("work", [actor], using=backend)
    assert heard.next() == ("work", [actor])
    announce("done", [message], using=backend)
    assert heard.next() == ("done", [message])


@only_sqlite
@pytest.mark.parametrize("quick", [True, False])
def test_a_commit_of_another_connection_is_noticed(backend, listen, quick):
    heard = listen("work", "done", quick=quick)
    started = time.monotonic()
    actor = commit_something(backend)
    assert heard.next() == ("work", [actor])
    assert heard.next() == ("done", None)
    assert time.monotonic() - started < 1
    heard.nothing_within(0.1)


@only_sqlite
def test_a_commit_that_brings_no_work_is_no_hint_of_work(backend, listen):
    heard = listen("work")
    Pause.objects.using(backend).create(type="ledger", paused_at=timezone.now())
    heard.nothing_within(0.1)
    actors = {commit_something(backend) for _ in range(3)}
    while actors:
        actors -= set(heard.next()[1])


def test_listeners_of_this_process_are_told_directly(backend, listen, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "WAKEUP": "poll", "POLL_INTERVAL": 30}
    assert transport_of(backend) == "poll"
    heard = listen("work", told_directly=True)
    actor = uuid4()
    announce("work", [actor], using=backend)
    announce("done", [actor], using=backend)
    announce("work", [], using=backend)
    assert heard.next() == ("work", [actor])
    heard.nothing_within(0.1)


def test_without_wake_ups_there_is_a_hint_each_poll_interval(backend, listen, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "WAKEUP": "poll", "POLL_INTERVAL": 0.1}
    heard = listen("work")
    started = time.monotonic()
    assert [heard.next() for _ in range(3)] == [("work", None)] * 3
    assert time.monotonic() - started < 2


@only_postgresql
def test_hints_that_follow_closely_leave_together(backend, listen, monkeypatch):
    said = []
    monkeypatch.setattr(notifying, "FEW_COME", 0.2)
    real = notifying.payloads
    monkeypatch.setattr(notifying, "payloads", lambda ids: said.append(len(ids)) or real(ids))
    heard = listen("work")
    actors = [uuid4() for _ in range(50)]
    started = time.monotonic()
    for actor in actors:
        announce("work", [actor], using=backend)
    assert heard.next() == ("work", [actors[0]])
    assert time.monotonic() - started < 0.15  # the first does not wait for the others
    _, ids = heard.next()
    assert set(ids) == set(actors[1:])
    assert said == [1, 49]


@only_postgresql
def test_no_hint_is_lost_in_a_storm_from_many_threads(backend, listen, neighbours):
    heard = listen("work")
    actors = [uuid4() for _ in range(400)]
    crowd = [neighbours() for _ in range(4)]

    def storm(mine):
        for actor in mine:
            announce("work", [actor], using=backend)
            time.sleep(0.0005)

    running = [who.start(storm, actors[place::4]) for place, who in enumerate(crowd)]
    for future in running:
        future.result(timeout=20)
    missing = set(actors)
    while missing:
        missing -= set(heard.next()[1])


@only_postgresql
def test_hints_of_a_transaction_leave_with_its_commit_and_are_dropped_with_its_rollback(backend, listen):
    heard = listen("work")
    actor = uuid4()
    with transaction.atomic(using=backend):
        announce_after_commit("work", [uuid4()], using=backend)
        transaction.set_rollback(True, using=backend)
    with transaction.atomic(using=backend):
        announce_after_commit("work", [actor], using=backend)
        heard.nothing_within(0.1)
    assert heard.next() == ("work", [actor])


@only_postgresql
def test_a_hint_given_inside_a_transaction_does_not_wait_for_it(backend, listen):
    heard = listen("work")
    actor = uuid4()
    with transaction.atomic(using=backend):
        announce("work", [actor], using=backend)  # of something that another connection has committed
        assert heard.next() == ("work", [actor])


@only_postgresql
def test_a_listening_connection_that_is_killed_comes_back_and_hints_everything(backend, listen, caplog):
    heard = listen("work")
    with caplog.at_level(logging.WARNING, "actorqueues.wakeups"):
        kill_listeners(backend)
        assert heard.next() == ("work", None)  # at once: something may have been missed
        assert heard.next() == ("work", None)  # and when it listens again
    assert "trying again" in caplog.text
    actor = uuid4()
    announce("work", [actor], using=backend)
    assert heard.until(lambda hint: hint[1] is not None) == ("work", [actor])


@only_postgresql
def test_a_listener_that_cannot_connect_keeps_hinting_and_ends_when_told(backend, listen, monkeypatch):
    heard = listen("work", "done")

    def refuse(using):
        raise OSError("no server")

    monkeypatch.setattr("actorqueues.wakeups.postgresql.connect", refuse)
    kill_listeners(backend)
    for _ in range(6):
        assert heard.next()[1] is None
    started = time.monotonic()
    heard.listener.stop()
    assert time.monotonic() - started < 2


def kill_listeners(using):
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%%' AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchall()


def test_a_stopped_listener_leaves_no_thread_and_hears_nothing(backend, listen):
    heard = listen("work", told_directly=True)
    heard.listener.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == f"actorqueues-listen-{backend}"]
    announce("work", [uuid4()], using=backend)
    heard.nothing_within(0.1)


def test_a_listener_that_raises_harms_nobody(backend, listen, caplog):
    def broken(topic, ids):
        raise ZeroDivisionError

    heard = listen("work", told_directly=True)
    local.add(backend, "work", broken)
    try:
        announce("work", [uuid4()], using=backend)
    finally:
        local.remove(backend, "work", broken)
    assert heard.next()[0] == "work"
    assert "ZeroDivisionError" in caplog.text


@only_postgresql
def test_the_notifying_thread_gives_its_connection_back(backend, monkeypatch):
    monkeypatch.setattr(notifying, "IDLE", 0.1)
    for _ in range(3):
        announce("work", [uuid4()], using=backend)
    notifier = notifier_of(backend)
    deadline = time.monotonic() + 5
    while notifier._thread is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@only_postgresql
def test_what_is_pending_at_exit_is_flushed(backend, listen, monkeypatch):
    heard = listen("work")
    monkeypatch.setattr(notifying, "FEW_COME", 30)
    actors = [uuid4() for _ in range(3)]
    for actor in actors:
        announce("work", [actor], using=backend)
    started = time.monotonic()
    notifying.flush_at_exit()
    told = set()
    while told != set(actors):
        told |= set(heard.next()[1])
    assert time.monotonic() - started < 5
    notifier_of(backend)._quiet_until = 0.0


def test_payloads_stay_below_postgresqls_limit():
    ids = [uuid4() for _ in range(500)]
    texts = list(payloads(ids))
    assert max(map(len, texts)) < 7_900
    assert [one for text in texts for one in ids_of(text)] == ids
    assert list(payloads([uuid4() for _ in range(2001)])) == [""]  # look yourself
    assert ids_of("") is None
    assert ids_of("what somebody else says") is None
