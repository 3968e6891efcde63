import pytest
from django.db import IntegrityError, connections

from actorqueues.diagnosis import postgresql, sessions, tables, vacuum
from actorqueues.diagnosis.tables import our_tables
from actorqueues.models import Message
from tests.fixtures.backends import only_postgresql
from tests.storage.leases import mail_for

pytestmark = only_postgresql


@pytest.fixture
def run(backend):
    def run(statement):
        with connections[backend].cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None

    return run


@pytest.fixture
def altered(run):
    """Alters a table, and gives it back what it had."""
    undo = []

    def alter(table, change, back):
        run(f"ALTER TABLE {table} {change}")
        undo.append(f"ALTER TABLE {table} {back}")

    yield alter
    for statement in undo:
        run(statement)


def test_what_the_server_may_lose_is_an_error(look, run):
    expected = "error" if run("SHOW fsync") == [("off",)] else "ok"
    assert look(postgresql.durability)["postgresql-fsync"][0] == expected


def test_commits_that_do_not_wait_for_the_disk_are_a_warning(look, run):
    assert look(postgresql.durability)["postgresql-synchronous-commit"][0] == "ok"
    run("SET synchronous_commit = off")
    try:
        assert look(postgresql.durability)["postgresql-synchronous-commit"][0] == "warning"
    finally:
        run("RESET synchronous_commit")


def test_a_server_without_free_connections_is_a_warning(level, monkeypatch):
    assert level(postgresql.room) == "ok"
    monkeypatch.setattr(postgresql, "LEAST_ROOM", 1.0)
    assert level(postgresql.room) == "warning"


def test_autovacuum_off_is_an_error(look, altered):
    assert look(vacuum.autovacuum)["autovacuum"][0] == "ok"
    altered("actorqueues_wake", "SET (autovacuum_enabled = false)", "RESET (autovacuum_enabled)")
    found = look(vacuum.autovacuum)["autovacuum"]
    assert found[0] == "error"
    assert "ALTER TABLE actorqueues_wake RESET (autovacuum_enabled);" in found[1]


def test_lost_table_options_are_a_warning_whose_advice_brings_them_back(look, level, run):
    assert level(vacuum.options) == "ok"
    run("ALTER TABLE actorqueues_message RESET (fillfactor, autovacuum_vacuum_scale_factor)")
    found, text = look(vacuum.options)["table-options"]
    assert found == "warning"
    assert "actorqueues_message has lost its" in text
    run(text[text.index("ALTER TABLE") :])
    assert level(vacuum.options) == "ok"


def test_dead_rows_are_a_warning(backend, look, level, run, altered, monkeypatch):
    altered("actorqueues_message", "SET (autovacuum_enabled = false)", "RESET (autovacuum_enabled)")
    run(f"VACUUM {', '.join(our_tables())}")  # what other tests left
    run("SELECT pg_stat_force_next_flush()")
    assert level(vacuum.dead_rows) == "ok"
    monkeypatch.setattr(vacuum, "MANY", 100)
    mail_for(backend, "main", count=300)
    Message.objects.filter(id__gt=Message.objects.earliest("id").id + 10).delete()
    run("SELECT pg_stat_force_next_flush()")
    found = look(vacuum.dead_rows)["table-dead-rows"]
    assert found[0] == "warning"
    assert "VACUUM actorqueues_message;" in found[1]


def test_updates_that_are_not_made_in_place_are_a_warning(backend, look, level, run, monkeypatch):
    assert level(vacuum.updates_in_place) == "ok"
    monkeypatch.setattr(vacuum, "MANY", 100)
    run("SELECT pg_stat_reset()")
    mail_for(backend, "main", count=300)
    Message.objects.update(queue="note")  # which is in an index
    run("SELECT pg_stat_force_next_flush()")
    found = look(vacuum.updates_in_place)["table-updates"]
    assert found[0] == "warning"
    assert "actorqueues_message: only 0% of 300" in found[1]


def test_a_long_transaction_is_a_warning(backend, look, monkeypatch, neighbours):
    idle = neighbours()
    idle.begin(backend)
    pid = idle.do(lambda: postgresql.rows(backend, "SELECT pg_backend_pid()")[0][0])
    assert look(sessions.long_transactions)["long-transactions"][0] == "ok"
    monkeypatch.setattr(sessions, "LONG", 0)
    found = look(sessions.long_transactions)["long-transactions"]
    idle.commit()
    assert found[0] == "warning"
    assert f"pid {pid}, idle in transaction" in found[1]


def test_nothing_else_holds_back_vacuum(level):
    assert level(sessions.forgotten_horizons) == "ok"


def test_an_invalid_index_is_an_error(backend, look, run):
    mail_for(backend, "main", count=2)
    with pytest.raises(IntegrityError):
        run("CREATE UNIQUE INDEX CONCURRENTLY aq_half_made ON actorqueues_message (queue)")
    try:
        found = look(tables.indexes)["indexes"]
    finally:
        run("DROP INDEX aq_half_made")
    assert found[0] == "error"
    assert "aq_half_made" in found[1]
