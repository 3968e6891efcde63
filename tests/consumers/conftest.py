import socket
import time
from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from django.test import Client

from actorqueues import Actor
from actorqueues.definitions.registry import registry
from tests.consumers import actors
from tests.fixtures.ports import free_port
from tests.fixtures.processes import ProcessStarter

for found in vars(actors).values():  # other tests know nothing of them
    if isinstance(found, type) and issubclass(found, Actor) and found is not Actor:
        registry.unregister(found)


@pytest.fixture(autouse=True)
def only_these_actors(empty_registry):
    for found in vars(actors).values():
        if isinstance(found, type) and issubclass(found, Actor) and found is not Actor:
            registry.register(found)


@pytest.fixture
def start_server(backend, tmp_path):
    """``start_server("daphne", settings={…})`` gives the address of a real server process: ``127.0.0.1:1234``."""
    starter = ProcessStarter(backend, tmp_path)

    def start(kind="daphne", **options):
        port = free_port()
        options["settings"] = {"POLL_INTERVAL": 0.5, **options.get("settings", {})}
        arguments = {"daphne": ["-b", "127.0.0.1", "-p", port], "uvicorn": ["--port", port]}[kind]
        process = starter.module(kind, *arguments, "tests.consumers.asgi:application", **options)
        wait_for_port(port, process)
        return f"127.0.0.1:{port}"

    yield start
    starter.end_all()


@pytest.fixture
def server(start_server):
    return start_server()


def wait_for_port(port, process):
    give_up_at = time.monotonic() + 30
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.returncode is None, process.output
        assert time.monotonic() < give_up_at, process.output
        time.sleep(0.05)


@pytest.fixture
def log_in(backend):
    """``log_in("anna")`` makes a user and a session: ``(user, session key)``."""

    def log_in(name, **attributes):
        user = User.objects.create_user(name, **attributes)
        client = Client()
        client.force_login(user)
        return user, client.cookies["sessionid"].value

    return log_in
