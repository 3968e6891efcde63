from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from actorqueues.web.lanes import calls_on_lanes

LAST_WORDS = 5.0  # seconds for what is under way when a socket ends


class LaneConsumer(AsyncWebsocketConsumer):
    """A socket whose queries run on the process's lanes, and only where there is something to query.

    Channels' own machinery runs all consumers' queries on one thread and hops there for each frame besides.
    """

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        self.scope, self.base_send = scope, send
        self.tasks: set[asyncio.Task[None]] = set()
        self.prepare()
        with calls_on_lanes():
            try:
                while True:
                    await self.dispatch(await receive())
            except StopConsumer:
                pass
            finally:
                await self.leave()

    def prepare(self) -> None:
        """What a subclass has from the beginning."""

    def stop(self) -> None:
        """What ends with the socket, besides its tasks."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.connect":
            await self.connect()
        elif message["type"] == "websocket.receive":
            await self.receive(message.get("text"), message.get("bytes"))
        elif message["type"] == "websocket.disconnect":
            raise StopConsumer()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def cancel_tasks(self) -> None:
        for task in self.tasks:
            if task is not asyncio.current_task():
                task.cancel()

    async def leave(self) -> None:
        self.stop()
        self.cancel_tasks()
        if self.tasks:  # what a thread does at this moment ends first: its lane is known by this socket
            await asyncio.wait(self.tasks, timeout=LAST_WORDS)
