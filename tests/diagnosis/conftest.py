import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from actorqueues.diagnosis.doctor import attempt
from actorqueues.storage.dialects.postgresql_reads import PostgreSQLReads


@pytest.fixture(autouse=True)
def only_the_playground(playground_registry):
    """Nothing is said of actors that are made for other tests."""


@pytest.fixture
def look(backend):
    """``look(vacuum.options)`` gives what that part of the doctor finds, by id: ``(level, seen and advice)``."""

    def look(part):
        return {one.id: (one.level, f"{one.seen} {one.advice}") for one in attempt(part, backend)}

    return look


@pytest.fixture
def level(look):
    """The level of its only finding."""

    def level(part):
        [(found, _)] = look(part).values()
        return found

    return level


@pytest.fixture
def queries_of(backend, monkeypatch):
    """``queries_of(work)``: how many it makes, those included that pass Django's own cursors by."""
    beside, read = [], PostgreSQLReads._rows

    def counted(self, connection, sql, parameters):
        beside.append(sql)
        return read(self, connection, sql, parameters)

    monkeypatch.setattr(PostgreSQLReads, "_rows", counted)

    def queries_of(work):
        beside.clear()
        with CaptureQueriesContext(connections[backend]) as seen:
            work()
        return len(seen) + len(beside)

    return queries_of
