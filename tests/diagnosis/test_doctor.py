"""The doctor as a whole: nothing stops it, everything is explained."""

import ast
import json
import re

import pytest
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from actorqueues.diagnosis import doctor, postgresql, project
from actorqueues.diagnosis.doctor import attempt, examine
from actorqueues.diagnosis.findings import Finding, worst
from tests.commands.test_actorqueues import command
from tests.docs.pages import PROJECT
from tests.fixtures.backends import STORES, every_postgresql, only_sqlite
from tests.playground.actors import Tally

MAKERS = {"ok", "info", "warning", "error"}


def test_a_healthy_project_is_well(backend, worker_process):
    worker = worker_process(settings={"POLL_INTERVAL": 0.2})
    worker.wait_for_output("worker starts")
    tally = Tally.get_or_create("main")
    assert tally.ask(Tally.increment, {}, timeout=30).value == 1
    found = {one.id: one for one in examine(backend)}
    # Off in the tests' own server; counted over all tests.
    allowed = {"postgresql-fsync", "table-dead-rows", "table-updates"}
    assert {
        one for one in found.values() if one.level in ("warning", "error") and one.id not in allowed
    } == set()
    assert "1 alive" in found["workers"].seen
    assert {"checks", "database", "migrations", "indexes", "oldest-message", "dead-letters"} <= set(found)


def test_the_command_prints_findings_and_ends_with_1_for_an_error(backend, capsys):
    Tally.get_or_create("main").send(Tally.increment, {})
    with pytest.raises(SystemExit) as caught:
        command("doctor", "--json")
    assert caught.value.code == 1
    output = run_failing("doctor", capsys)
    assert re.search(r"error +workers +No worker is alive, and there is work for tally\.", output)
    assert "-> Start manage.py runactors" in output
    assert "Each id is explained" in output
    rows = json.loads(run_failing("doctor --level error --json", capsys))
    assert {row["level"] for row in rows} == {"error"}
    assert {"id": "workers", "page": "reference/doctor.md#workers"}.items() <= next(
        row for row in rows if row["id"] == "workers"
    ).items()


def run_failing(line, capsys):
    import io

    from django.core.management import call_command

    output = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("actorqueues", *line.split(), stdout=output)
    return output.getvalue()


def test_a_database_that_is_away_is_a_finding(django_db_setup, django_db_blocker, monkeypatch, settings):
    connection = connections["postgresql"]
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "DATABASE": "postgresql"}
    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setattr(connection, "settings_dict", {**connection.settings_dict, "HOST": "/nowhere"})
        found = list(examine("postgresql"))
    assert (found[-1].id, found[-1].level) == ("database", "error")
    assert "/nowhere" in found[-1].seen
    assert "not-examined" not in {one.id for one in found}


def test_a_migration_that_is_missing_is_an_error_and_the_tables_are_left_alone(backend):
    recorder = MigrationRecorder(connections[backend])
    last = max(name for app, name in recorder.applied_migrations() if app == "actorqueues")
    recorder.record_unapplied("actorqueues", last)
    try:
        found = {one.id: one for one in examine(backend)}
    finally:
        recorder.record_applied("actorqueues", last)
    assert found["migrations"].level == "error"
    assert last in found["migrations"].seen
    assert not {"workers", "table-options"} & set(found)


def test_wrong_settings_are_among_the_findings(backend, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "LANE": 4}
    [finding] = [one for one in project.checks(backend) if one.level == "error"]
    assert (finding.id, finding.page) == ("actorqueues.E001", "reference/checks.md")


def test_wrong_settings_do_not_keep_the_command_from_looking_at_the_rest(backend, worker_process):
    doctor = worker_process.command("actorqueues", "doctor", settings={"LANE": 4, "LEASE": "fast"})
    assert doctor.wait(60) == 1
    for id in ("actorqueues.E001", "actorqueues.E002", "database", "indexes", "oldest-message"):
        assert re.search(rf"^(ok|error) +{id} ", doctor.output, re.MULTILINE), doctor.output
    inspect = worker_process.command("actorqueues", "inspect", settings={"DATABASE": 7})
    assert inspect.wait(60) == 1
    assert "Traceback" not in inspect.output


@only_sqlite
def test_what_the_database_refuses_is_said_in_a_line(worker_process, tmp_path):
    empty = {"AQ_TEST_SQLITE": str(tmp_path / "empty.sqlite3")}
    inspect = worker_process.command("actorqueues", "inspect", env=empty)
    assert inspect.wait(60) == 1
    assert "no such table: actorqueues_actor" in inspect.output
    assert "doctor looks for the reason" in inspect.output
    assert "Traceback" not in inspect.output


def test_a_part_that_fails_is_a_finding(backend):
    def broken(using):
        yield Finding("ok", "first", "fine")
        raise RuntimeError("no such thing")

    [finding] = attempt(broken, backend)
    assert (finding.id, finding.level) == ("not-examined", "error")
    assert "broken failed" in finding.seen
    assert "RuntimeError: no such thing" in finding.seen
    connections[backend].ensure_connection()
    assert connections[backend].is_usable()


@pytest.mark.parametrize("backend", STORES, indirect=True)
def test_a_part_that_takes_too_long_is_ended(backend, monkeypatch):
    monkeypatch.setattr(doctor, "TIME_LIMIT", 0.3)

    def slow(using):
        with connections[using].cursor() as cursor:
            cursor.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000)"
                " SELECT count(*) FROM n"
            )

    [finding] = attempt(slow, backend)
    assert (finding.id, finding.level) == ("not-examined", "warning")


@every_postgresql
def test_a_pooler_is_told_of(backend):
    [finding] = attempt(postgresql.pooler, backend)
    assert finding.level == ("info" if backend == "pgbouncer" else "ok")


def test_the_worst_level_counts():
    assert worst([]) == "ok"
    assert worst([Finding("warning", "a", ""), Finding("error", "b", ""), Finding("ok", "c", "")]) == "error"


def test_every_finding_is_explained():
    used = {"not-examined"}
    for path in (PROJECT / "actorqueues" / "diagnosis").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                used.add(ast.literal_eval(node.args[0]))
    page = (PROJECT / "docs" / "reference" / "doctor.md").read_text()
    assert sorted(re.findall(r"^### (\S+)$", page, re.MULTILINE)) == sorted(used)
