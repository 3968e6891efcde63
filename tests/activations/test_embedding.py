"""A worker inside another process: in a running loop, and in a web server."""

import asyncio
import json
import os
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.db.utils import ConnectionDoesNotExist

from actorqueues import Actor, Worker, handler
from actorqueues.models import Worker as WorkerRow
from actorqueues.runtime.options import WorkerOptions
from tests.fixtures.ports import free_port
from tests.fixtures.processes import PROJECT, database_environment
from tests.fixtures.workers import PATIENCE, QUICK


def test_a_worker_runs_beside_a_running_loop(backend):
    class Echo(Actor):
        @handler
        async def say(self, body: str) -> str:
            return body.upper()

    async def main():
        async with Worker(WorkerOptions(**QUICK)):
            echo = Echo.get_or_create("x")
            return await asyncio.gather(*(echo.aask("say", word) for word in ("a", "b")))

    assert asyncio.run(main()) == ["A", "B"]
    assert not WorkerRow.objects.exists()


@pytest.fixture
def daphne(backend, tmp_path):
    port = free_port()
    environment = {**os.environ, **database_environment(backend, {"POLL_INTERVAL": 0.1})}
    log = (tmp_path / "daphne.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "tests.activations.asgi:application"],
        cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    try:
        process.wait(10)
    finally:
        process.kill()
        process.wait()
        print((tmp_path / "daphne.log").read_text())


def get(url):
    give_up_at = time.monotonic() + 20
    while True:
        try:
            with urlopen(url, timeout=PATIENCE) as answer:
                return json.load(answer)
        except (URLError, ConnectionError):
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


def test_a_request_to_daphne_asks_an_actor_of_the_worker_inside(daphne):
    assert get(f"{daphne}/?amount=2") == {"value": 2}
    assert get(f"{daphne}/?amount=3") == {"value": 5}


def test_an_embedded_worker_that_cannot_begin_says_why(backend):
    async def embed():
        async with Worker(WorkerOptions(database="nowhere")):
            pass

    with pytest.raises(ConnectionDoesNotExist):
        asyncio.run(embed())
