"""``runactors --log-format`` and ``--stats``: what a worker says of itself."""

import json
import logging
import os
import pty
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from actorqueues.management.logs import JsonFormatter
from actorqueues.models import Worker
from tests.fixtures.processes import PROJECT, database_environment
from tests.playground.actors import Scribe
from tests.processes.evidence import all_settled, eventually

SETTINGS = {"POLL_INTERVAL": 0.2}  # and the usual lease: a late machine is not to cost it


def records(process, **fields):
    """What it has logged as JSON, with these fields."""
    lines = [json.loads(line) for line in process.output.splitlines() if line.endswith("}")]
    return [line for line in lines if fields.items() <= line.items()]


def test_json_lines_name_the_actor_the_message_and_the_worker(backend, worker_process):
    worker = worker_process("--no-supervise", "--log-format", "json", settings=SETTINGS)
    scribe = Scribe.get_or_create("main")
    stumbled = scribe.send(Scribe.stumble, {"value": 7})
    [failed] = eventually(lambda: records(worker, message_id=stumbled.id))
    assert (
        failed.items()
        >= {
            "level": "WARNING",
            "logger": "actorqueues.mailbox",
            "actor_type": "scribe",
            "actor_key": "main",
            "queue": "stumble",
            "attempt": 1,
            "worker_id": Worker.objects.get().id.hex,
        }.items()
    )
    assert "RuntimeError: stumbled over 7" in failed["message"]
    at = datetime.fromisoformat(failed["time"])
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    rejected = scribe.send(Scribe.reject, {"note": "spinach"})
    [dead] = eventually(lambda: records(worker, message_id=rejected.id))
    assert (dead["level"], dead["queue"]) == ("ERROR", "reject")
    assert "(rejected): spinach" in dead["message"]
    worker.terminate()
    assert worker.wait() == 0
    assert all(line.startswith("{") for line in worker.output.splitlines())


def test_text_lines_are_for_people(backend, worker_process):
    worker = worker_process("--no-supervise", settings=SETTINGS)
    rejected = Scribe.get_or_create("main").send(Scribe.reject, {"note": "spinach"})
    told = f"scribe/main: message {rejected.id} of queue reject went to the dead letters"
    worker.wait_for_output(told)
    [line] = [line for line in worker.output.splitlines() if told in line]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ERROR ", line)


def test_a_formatted_record_is_one_line_with_its_exception():
    try:
        raise ValueError("no\nway")
    except ValueError:
        record = logging.LogRecord("a.b", logging.ERROR, "x.py", 1, "%s ä", ("failed",), sys.exc_info())
    record.queue = "work"
    record.odd = object()
    text = JsonFormatter().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["message"], line["queue"], line["level"], line["logger"]) == (
        "failed ä",
        "work",
        "ERROR",
        "a.b",
    )
    assert "ValueError: no\nway" in line["exception"]
    assert set(line) == {"time", "level", "logger", "message", "queue", "odd", "exception"}


def test_the_load_of_a_supervised_worker_is_logged_with_fields(backend, worker_process):
    worker = worker_process("--log-format", "json", "--stats", "0.2", settings=SETTINGS)
    for key in "abcd":
        Scribe.get_or_create(key).send_many(Scribe.record, [{"value": 1}] * 10)
    Scribe.get_or_create("a").send(Scribe.reject, {})
    eventually(all_settled)

    def loads():
        return records(worker, logger="actorqueues.load")

    eventually(lambda: sum(load["dead"] for load in loads()) == 1)
    busiest = max(loads(), key=lambda load: load["settled_per_second"])
    assert busiest["settled_per_second"] > 0
    assert busiest["commits_per_second"] > 0
    assert busiest["steps_per_commit"] >= 1
    assert 0 < busiest["latency_p50"] <= busiest["latency_p99"]
    assert busiest["message"].startswith("load: settled ")
    idle = eventually(
        lambda: [load for load in loads() if not load["settled_per_second"] and not load["busy"]]
    )
    assert idle[-1].items() >= {"latency_p50": None, "latency_p99": None, "waiting_steps": 0}.items()


def test_on_a_terminal_the_load_is_a_table(backend):
    terminal, inside = pty.openpty()
    environment = {**os.environ, **database_environment(backend, SETTINGS), "TERM": "xterm", "COLUMNS": "160"}
    command = [sys.executable, "-m", "tests.manage", "runactors", "--no-supervise", "--stats", "0.2"]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=inside)
    os.close(inside)
    shown = bytearray()
    threading.Thread(target=read_all, args=(terminal, shown), daemon=True).start()
    try:
        eventually(lambda: shown.count(b"loop lag") > 2)
        assert b"worker starts" in shown
    finally:
        process.terminate()
        assert process.wait(30) == 0


def read_all(terminal, shown):
    try:
        while some := os.read(terminal, 4096):
            shown.extend(some)
    except OSError:  # Linux says so when the other end is closed
        os.close(terminal)


def test_an_interval_is_longer_than_nothing():
    with pytest.raises(CommandError, match="longer than 0 seconds"):
        call_command("runactors", "--skip-checks", "--stats", "0")
