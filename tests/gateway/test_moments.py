"""What happens to a connection at the same moment as something else. The consumer runs in the test's own process."""

import asyncio
import json
import threading
from contextlib import asynccontextmanager

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.test import override_settings

from actorqueues.conf import settings
from actorqueues.events.hub import event_hub_of
from actorqueues.gateway.routing import websocket_urlpatterns
from tests.fixtures.workers import PATIENCE, eventually
from tests.gateway.actors import Bulletin

HEADERS = [(b"host", b"localhost"), (b"sec-websocket-protocol", b"rivet, rivet_encoding.json")]
PLACE = "/gateway/rivet.bulletin/connect?rvt-method=getOrCreate&rvt-key=a"


@pytest.fixture(autouse=True)
def bulletin(backend):
    Bulletin.create("a")


@asynccontextmanager
async def connection():
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), PLACE, HEADERS, subprotocols=["rivet"])
    assert (await socket.connect(PATIENCE))[0]
    assert (await heard(socket))[0] == "Init"
    yield socket
    await socket.disconnect(timeout=PATIENCE)


async def say(socket, tag, **val):
    await socket.send_to(json.dumps({"body": {"tag": tag, "val": val}}))


async def heard(socket):
    body = json.loads(await socket.receive_from(PATIENCE))["body"]
    return body["tag"], body["val"]


def with_settings(**own):
    return override_settings(ACTORQUEUES={"DATABASE": settings.DATABASE, **own})


def test_an_event_is_not_subscribed_for_a_connection_that_ended_meanwhile(monkeypatch):
    asked, may_answer = threading.Event(), threading.Event()

    def can_subscribe(access, event):
        monkeypatch.setattr(Bulletin, "can_connect", lambda access: False)
        asked.set()
        return may_answer.wait(PATIENCE)

    monkeypatch.setattr(Bulletin, "can_subscribe", can_subscribe)

    async def main():
        async with connection() as socket:
            await say(socket, "SubscriptionRequest", eventName="public", subscribe=True)
            assert await asyncio.to_thread(asked.wait, PATIENCE)
            assert (await heard(socket))[0] == "Error"
            closed = await socket.receive_output(PATIENCE)
            assert (closed["type"], closed["code"]) == ("websocket.close", 4403)
            may_answer.set()
            await asyncio.sleep(0.3)
            assert event_hub_of(settings.DATABASE).listeners == 0
        assert event_hub_of(settings.DATABASE).listeners == 0

    with with_settings(WEBSOCKET_RECHECK=0.2):
        asyncio.run(main())


@pytest.mark.parametrize("more", ["ActionRequest", "SubscriptionRequest"])
def test_a_hang_up_is_noticed_while_as_many_actions_run_as_may(more):
    async def main():
        async with asyncio.timeout(PATIENCE / 2):
            async with connection() as socket:
                await say(socket, "SubscriptionRequest", eventName="public", subscribe=True)
                for number in range(3):
                    await say(
                        socket, "ActionRequest", id=["$BigInt", str(number)], name="wait", args=[PATIENCE]
                    )
                if more == "SubscriptionRequest":
                    await say(socket, more, eventName="public", subscribe=False)
                hub = event_hub_of(settings.DATABASE)
                await asyncio.to_thread(eventually, lambda: hub.listeners == 1)
                await asyncio.sleep(0.2)
            assert hub.listeners == 0

    with with_settings(WEBSOCKET_REQUESTS=1):
        asyncio.run(main())


def test_more_actions_than_may_run_at_a_time_are_answered_one_after_another():
    async def main():
        async with connection() as socket:
            for number in range(4):
                await say(socket, "ActionRequest", id=["$BigInt", str(number)], name="wait", args=[0.05])
            answers = [await heard(socket) for _ in range(4)]
            assert [val["id"] for _, val in answers] == [["$BigInt", str(number)] for number in range(4)]

    with with_settings(WEBSOCKET_REQUESTS=1):
        asyncio.run(main())
