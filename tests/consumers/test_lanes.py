"""Where the queries of many sockets run: never on the event loop, never on the one thread that is asgiref's default."""

import asyncio
import json
import threading

import pytest
from asgiref.sync import SyncToAsync
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.db.backends.utils import CursorWrapper

from actorqueues.conf import settings
from actorqueues.consumers.routing import websocket_urlpatterns as own
from actorqueues.gateway.routing import websocket_urlpatterns as gateway
from actorqueues.runtime.lanes import Lanes
from actorqueues.web import lanes
from tests.fixtures.workers import PATIENCE

HEADERS = [(b"host", b"localhost")]
SOCKETS = 12
NAME = "aq-web-test"


@pytest.fixture
def seen(backend, monkeypatch):
    """The threads that query. A lane's first query waits until each lane has one: one after another never ends."""
    seen, kept_waiting = set(), set()
    together = threading.Barrier(settings.LANES)
    execute = CursorWrapper._execute_with_wrappers

    def watch(self, *args, **options):
        thread = threading.current_thread()
        seen.add(thread)
        if thread.name.startswith(NAME) and thread not in kept_waiting:
            kept_waiting.add(thread)
            together.wait(PATIENCE)
        return execute(self, *args, **options)

    of_this_test = Lanes(settings.LANES, NAME)
    monkeypatch.setattr(lanes, "_lanes", [of_this_test])
    monkeypatch.setattr(CursorWrapper, "_execute_with_wrappers", watch)
    yield seen
    of_this_test.shutdown()


async def own_protocol(number):
    socket = WebsocketCommunicator(URLRouter(own), "/ws/actors/", headers=HEADERS)
    assert (await socket.connect(PATIENCE))[0]
    place = {"actor": "parrot", "key": str(number)}
    for request_id, frame in enumerate((
        {"type": "subscribe"}, {"type": "send", "queue": "say", "body": "x"}, {"type": "call", "action": "heard"},
    )):  # fmt: skip
        await socket.send_to(json.dumps({"id": request_id, **place, **frame}))
        while (answer := json.loads(await socket.receive_from(PATIENCE))).get("id") != request_id:
            pass
        assert answer["type"] in ("subscribed", "reply"), answer
    await socket.disconnect()


async def rivets_protocol(number):
    place = f"/gateway/parrot/connect?rvt-method=getOrCreate&rvt-key={number}"
    headers = [*HEADERS, (b"sec-websocket-protocol", b"rivet, rivet_encoding.json")]
    socket = WebsocketCommunicator(URLRouter(gateway), place, headers=headers, subprotocols=["rivet"])
    assert (await socket.connect(PATIENCE))[0]
    frames = (
        {"tag": "SubscriptionRequest", "val": {"eventName": "said", "subscribe": True}},
        {"tag": "ActionRequest", "val": {"id": ["$BigInt", "1"], "name": "heard", "args": []}},
    )
    for frame in frames:
        await socket.send_to(json.dumps({"body": frame}))
    tags = [json.loads(await socket.receive_from(PATIENCE))["body"]["tag"] for _ in range(2)]
    assert tags == ["Init", "ActionResponse"]
    await socket.disconnect()


@pytest.mark.parametrize("talk", [own_protocol, rivets_protocol])
def test_the_queries_of_many_sockets_run_on_all_lanes_at_once_and_hold_up_no_loop(seen, talk):
    async def main():
        await asyncio.gather(*(talk(number) for number in range(SOCKETS)))

    seen.clear()
    asyncio.run(main())
    usual = SyncToAsync.single_thread_executor.submit(threading.current_thread).result()
    assert not seen & {threading.current_thread(), usual}
    assert sum(thread.name.startswith(NAME) for thread in seen) == settings.LANES
