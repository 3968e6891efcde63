"""A WebSocket client whose consumer runs in the process of the test, which so can say when something happens."""

import json
from contextlib import asynccontextmanager

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from actorqueues.consumers.routing import websocket_urlpatterns
from tests.fixtures.workers import PATIENCE


class Refused(Exception):
    pass


class Page:
    """A socket to a consumer of this process."""

    def __init__(self, socket):
        self.socket, self.frames = socket, []

    async def send(self, **frame):
        await self.socket.send_to(json.dumps(frame))

    async def receive(self):
        return json.loads(await self.socket.receive_from(PATIENCE))

    async def until(self, condition):
        """The first that fits; those before it are in ``frames``."""
        while not condition(frame := await self.receive()):
            self.frames.append(frame)
        return frame

    async def answer(self, request_id):
        return await self.until(lambda frame: frame.get("id") == request_id)

    async def request(self, request_id, **frame):
        await self.send(id=request_id, **frame)
        return await self.answer(request_id)


@asynccontextmanager
async def page(user=None, **headers):
    """A page of ``localhost``. Raises ``Refused``."""
    sent = {"host": "localhost", **headers}
    lines = [(name.encode(), value.encode()) for name, value in sent.items()]
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), "/ws/actors/", headers=lines)
    if user is not None:
        socket.scope["user"] = user
    if not (await socket.connect(PATIENCE))[0]:
        raise Refused()
    opened = Page(socket)
    await opened.until(lambda frame: frame["type"] == "hello")
    yield opened
    await socket.disconnect(timeout=PATIENCE)
