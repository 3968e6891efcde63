"""``runactors --health-port`` and ``--health-file``: what a supervisor is told."""

import json
import os
import re
import signal
import socket
import threading
import urllib.error
import urllib.request

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from actorqueues import Worker
from actorqueues.models import Worker as WorkerRow
from actorqueues.runtime import health
from actorqueues.runtime.health import health_of, published_health
from tests.fixtures.backends import only_postgresql
from tests.playground.actors import Scribe
from tests.processes.evidence import eventually

SETTINGS = {"POLL_INTERVAL": 0.2}  # and the usual lease: a late machine is not to cost it
ADDRESS = re.compile(r"health is at (http://\S+/)")


def get(url):
    """Status and JSON; None while nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text.startswith(b"{") else None
    except OSError:
        return None, None


def addresses(process):
    return ADDRESS.findall(process.output)


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def is_well(url):
    return get(url)[0] == 200


def test_a_worker_that_works_is_healthy(backend, worker_process):
    worker = worker_process("--no-supervise", "--health-port", "0", settings=SETTINGS)
    url = eventually(lambda: addresses(worker))[0]
    status, report = eventually(lambda: is_well(url) and get(url))
    assert (status, report["healthy"], report["problems"], report["stopping"]) == (200, True, [], False)
    assert report["worker_id"] == WorkerRow.objects.get().id.hex
    assert report["pid"] == worker.pid
    assert report["database_reachable"]
    assert report["lease_trusted_until"] > report["checked_at"] >= report["started_at"]
    assert get(f"{url}live")[0] == 200
    assert get(f"{url}nowhere")[0] == 404
    worker.terminate()
    assert worker.wait() == 0
    assert get(url) == (None, None)


def test_a_worker_that_is_started_again_answers_at_the_same_port(backend, worker_process):
    port = free_port()
    worker_process("--health-port", port, settings=SETTINGS)
    url = f"http://127.0.0.1:{port}/"
    eventually(lambda: is_well(url))
    first = get(url)[1]
    os.kill(first["pid"], signal.SIGKILL)
    eventually(lambda: is_well(url) and get(url)[1]["pid"] != first["pid"])
    assert get(url)[1]["worker_id"] != first["worker_id"]


def test_a_blocked_event_loop_is_unhealthy_and_a_reason_to_start_again(backend, worker_process):
    worker = worker_process("--no-supervise", "--health-port", "0", settings=SETTINGS)
    url = eventually(lambda: addresses(worker))[0]
    eventually(lambda: is_well(url))
    Scribe.get_or_create("main").send(Scribe.block_loop, {"seconds": 45})
    eventually(lambda: get(url)[0] == 503)
    report = get(url)[1]
    assert any("event loop has not answered" in problem for problem in report["problems"])
    assert report["loop_silent_seconds"] > health.BLOCKED_AFTER
    assert get(f"{url}live")[0] == 503


def test_a_worker_that_has_not_reached_its_database_is_unhealthy_but_alive(backend):
    worker = Worker()
    report = health_of(worker)
    assert (report["healthy"], report["problems"]) == (False, ["it has not begun yet"])
    assert health.is_alive(worker)


@only_postgresql
def test_a_database_that_does_not_answer_is_told(backend, start_worker, monkeypatch):
    worker = start_worker(lease=3).worker
    eventually(lambda: health_of(worker)["healthy"])

    def refuse(*arguments, **options):
        raise OperationalError("the server is away")

    monkeypatch.setattr("actorqueues.runtime.heartbeat.renew_lease", refuse)
    eventually(lambda: not health_of(worker)["database_reachable"])
    assert "the database does not answer" in health_of(worker)["problems"]
    monkeypatch.undo()
    eventually(lambda: health_of(worker)["healthy"])  # under a new lease, should the old one have run out


def test_the_file_is_kept_up_to_date_and_goes_with_a_clean_stop(backend, worker_process, tmp_path):
    path = tmp_path / "health.json"
    worker = worker_process("--health-file", path, settings=SETTINGS)

    def report():
        return json.loads(path.read_text()) if path.exists() else {}

    eventually(lambda: report().get("healthy"))
    first = report()
    eventually(lambda: report()["checked_at"] > first["checked_at"])
    worker.terminate()
    assert worker.wait() == 0, worker.output
    assert list(tmp_path.glob("health*")) == []


def test_a_port_that_is_taken_is_named(backend):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CommandError, match=r"health cannot be published: .*in use"):
            call_command("runactors", "--no-supervise", "--health-port", str(taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--health-port", "65536"], "'65536' is not a port"),
        (["--health-file", "/nowhere/at/all.json"], "cannot be written: look at /nowhere/at"),
    ],
)
def test_mistakes_are_named_before_anything_starts(arguments, complaint):
    with pytest.raises(CommandError) as caught:
        call_command("runactors", "--skip-checks", *arguments)
    assert complaint in str(caught.value)


def test_probes_of_many_at_once_are_answered(start_worker):
    worker = start_worker().worker
    with published_health(worker, port=0), socket.socket() as silent:
        [thread] = [one for one in threading.enumerate() if one.name == "aq-health"]
        server = thread._target.__self__
        host, port = server.server_address[:2]
        silent.connect((host, port))  # says nothing, and must not keep the others waiting
        assert [get(f"http://{host}:{port}/")[0] for _ in range(5)] == [200] * 5
