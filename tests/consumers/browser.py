"""A WebSocket client as a browser has it: it sends an origin and a cookie, and answers pings."""

import asyncio
import itertools
import json

from websockets.asyncio.client import connect

from tests.fixtures.workers import PATIENCE

SUBPROTOCOL = "actorqueues.v1"
CHANNELS_AUTH = {"AQ_CHANNELS_AUTH": "1"}  # the server's environment, for its sockets in AuthMiddlewareStack


class Browser:
    """``async with Browser(server, session=…) as browser``. What came and nobody asked for is in ``frames``."""

    def __init__(self, server, *, session=None, origin="", answers=True, path="/ws/actors/", **options):
        headers = {} if session is None else {"Cookie": f"sessionid={session}"}
        headers.update(options.pop("headers", {}))
        self.connecting = connect(
            f"ws://{server}{path}",
            origin=f"http://{server}" if origin == "" else origin,
            subprotocols=options.pop("subprotocols", [SUBPROTOCOL]),
            additional_headers=headers,
            max_size=None,
            proxy=None,
            **options,
        )
        self.answers = answers
        self.frames = []
        self.ids = itertools.count(1)

    async def __aenter__(self):
        self.socket = await self.connecting.__aenter__()
        self.hello = await self.next("hello")
        return self

    async def __aexit__(self, *details):
        await self.connecting.__aexit__(*details)

    async def receive(self):
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
            if frame["type"] != "ping":
                return frame
            if self.answers:
                await self.send(type="pong", ping=frame["ping"])

    async def send(self, **frame):
        await self.socket.send(json.dumps(frame))

    async def request(self, **frame):
        """The answer, by its id."""
        request_id = next(self.ids)
        await self.send(id=request_id, **frame)
        return await self.where(lambda one: one.get("id") == request_id)

    async def next(self, kind):
        return await self.where(lambda one: one["type"] == kind)

    async def where(self, condition):
        """The first frame that fits, of those that came and those that come. The others stay."""
        for place, frame in enumerate(self.frames):
            if condition(frame):
                return self.frames.pop(place)
        while not condition(frame := await self.receive()):
            self.frames.append(frame)
        return frame

    async def closed(self):
        """Reads on to the end; the close code."""
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                self.frames.append(await self.receive())
        except ConnectionClosed:
            return self.socket.close_code
