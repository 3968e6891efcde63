from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from actorqueues import clock
from actorqueues.diagnosis import tables, workers
from actorqueues.models import Message, Worker
from tests.fixtures.backends import only_postgresql
from tests.playground.actors import Tally
from tests.storage.leases import Holder, held_actor, mail_for


@pytest.fixture
def an_hour_later(monkeypatch):
    return lambda: monkeypatch.setattr(clock, "offset", timedelta(hours=1))


def test_no_worker_is_an_error_when_there_is_work(backend, look, level):
    assert level(workers.alive) == "info"
    mail_for(backend, "main")
    found = look(workers.alive)["workers"]
    assert found[0] == "error"
    assert "there is work for ledger. Start manage.py runactors" in found[1]
    Holder(backend)
    assert level(workers.alive) == "ok"


def test_what_dead_workers_leave_behind_is_found(backend, look, level, an_hour_later):
    held_actor(backend)
    assert level(workers.expired) == level(workers.orphans) == "ok"
    an_hour_later()
    assert level(workers.expired) == "info"  # nobody is there who could clear away
    Holder(backend)
    assert level(workers.expired) == "warning"
    assert "1 actors are held by 1 expired and 0 missing" in look(workers.orphans)["orphaned-actors"][1]
    Worker.objects.filter(expires_at__lt=timezone.now() + timedelta(minutes=30)).delete()
    assert "1 actors are held by 0 expired and 1 missing" in look(workers.orphans)["orphaned-actors"][1]


def test_versions_side_by_side_are_a_warning(backend, level):
    old, _ = Holder(backend), Holder(backend)
    assert level(workers.versions) == "ok"
    Worker.objects.filter(id=old.id).update(version="0.0.9")
    assert level(workers.versions) == "warning"


def test_work_that_no_worker_serves_is_an_error(backend, look, level):
    Holder(backend)  # serves another type
    assert level(workers.unserved) == "ok"
    Tally.get_or_create("main").send(Tally.increment, {})
    assert "work for tally" in look(workers.unserved)["unserved-types"][1]
    Worker.objects.update(types="ledger,tally")
    assert level(workers.unserved) == "ok"


@only_postgresql
def test_clocks_that_differ_are_a_warning(backend, level, monkeypatch):
    assert level(workers.clocks) == "ok"
    real = timezone.now
    monkeypatch.setattr(workers.timezone, "now", lambda: real() + timedelta(minutes=5))
    assert level(workers.clocks) == "warning"


def test_a_missing_index_is_an_error(backend, look, level):
    assert level(tables.indexes) == "ok"
    connection = connections[backend]
    index = next(one for one in Message._meta.indexes if one.name == "aq_message_scheduled")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index.name}")
    try:
        found = look(tables.indexes)["indexes"]
    finally:
        with connection.schema_editor() as editor:
            editor.add_index(Message, index)
    assert found[0] == "error"
    assert "aq_message_scheduled" in found[1]
