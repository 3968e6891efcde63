"""Real server processes."""

import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.fixtures.ports import free_port

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.gateway.settings"}


@pytest.fixture
def start_server(worker_process):
    """``start_server("uvicorn")`` gives ``127.0.0.1:1234``; capitals are settings, ``options`` are the server's own."""

    def start(kind="daphne", *, port=None, route=None, options=(), **settings):
        port = port or free_port()
        arguments = {"daphne": ["-b", "127.0.0.1", "-p", port], "uvicorn": ["--port", port]}[kind]
        settings = {"POLL_INTERVAL": 0.2, **settings}
        application = "tests.gateway.asgi:application"
        server = worker_process.module(
            kind, *arguments, *options, application, env=SETTINGS, settings=settings, route=route
        )
        wait_for_answer(f"http://127.0.0.1:{port}/rivet/metadata", server)
        return f"127.0.0.1:{port}"

    return start


@pytest.fixture
def server(start_server):
    return start_server()


def wait_for_answer(url, server):
    give_up_at = time.monotonic() + 30
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, ConnectionError):
            assert time.monotonic() < give_up_at, server.output
            assert server.returncode is None, server.output
            time.sleep(0.05)
