"""Ends of sockets whose other end is gone already: servers tell by raising, and nobody is to find that in a log."""

import asyncio
import gc

import pytest

from actorqueues.consumers.consumer import ActorConsumer
from tests.fixtures.backends import only_sqlite

pytestmark = only_sqlite


class GoneError(OSError):
    """As uvicorn's ``ClientDisconnected`` is one."""


async def served(*frames):
    """An ASGI server whose client sends these and is gone. What the event loop was told of, and the exception."""
    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: told.append(context["exception"]))
    received = [{"type": "websocket.connect"}, *frames]
    dropped = asyncio.Event()

    async def receive():
        if received:
            return received.pop(0)
        await dropped.wait()
        await asyncio.sleep(0.01)  # the consumer is told a bit later than its last words failed
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(message):
        if message["type"] == "websocket.close":
            dropped.set()
            raise GoneError()

    scope = {"type": "websocket", "path": "/ws/actors/", "headers": [(b"host", b"testserver")]}
    await asyncio.wait_for(ActorConsumer()(scope, receive, send), 30)
    gc.collect()  # a task that nobody asked tells at its end
    await asyncio.sleep(0)
    return told


@pytest.mark.parametrize("frame", [{"bytes": b"{}"}, {"text": "x" * 200_000}], ids=["bytes", "too large"])
def test_a_drop_of_who_is_gone_already_is_nothing_to_report(backend, frame):
    assert asyncio.run(served({"type": "websocket.receive", **frame})) == []


def test_a_refusal_of_who_is_gone_already_is_nothing_to_report(backend, settings):
    settings.ALLOWED_HOSTS = ["example.com"]
    assert asyncio.run(served()) == []
