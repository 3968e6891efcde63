from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from actorqueues.web.lanes import call_on_lanes
from actorqueues.web.line import Line

logger = logging.getLogger("actorqueues.web")

LAST_WORDS = 4.0  # seconds for what is under way when a socket ends, twice: daphne gives it ten


class LaneConsumer(AsyncWebsocketConsumer):
    """A socket whose queries run on the process's lanes, and only where there is something to query.

    Channels' own machinery runs all consumers' queries on one thread and hops there for each frame besides.
    """

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        self.scope, self.base_send = scope, send
        # While there are some: an empty set takes 216 bytes.
        self.tasks: set[asyncio.Task[None]] | None = None
        self.line: Line | None = None
        self.prepare()
        call_on_lanes()
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            await self.finish()
        finally:
            await self.leave()

    def prepare(self) -> None:
        """What a subclass has from the beginning."""

    async def finish(self) -> None:
        """What is still done when the other end has gone."""

    def stop(self) -> None:
        """What ends with the socket, besides its tasks."""

    async def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        """Whose other end is gone already is closed."""
        try:
            await super().close(code, reason)
        except Exception as error:  # noqa: BLE001  servers differ in what they raise
            logger.debug("a socket is gone: %s", error)

    async def dispatch(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.connect":
            await self.connect()
        elif message["type"] == "websocket.receive":
            await self.receive(message.get("text"), message.get("bytes"))
        elif message["type"] == "websocket.disconnect":
            raise StopConsumer()

    async def take_turn(self, frame: Any) -> None:
        """Does what was asked for. What is to go on beside the next one it spawns."""

    async def line_up(self, frame: Any, size: int) -> None:
        """Frames take their turns one after another, so that they keep their order; and beside what is received.

        So pings are answered and a hang-up is noticed however long the database takes for one.
        """
        line = self.line = self.line or Line()
        line.put(frame, size)
        line.serving = line.serving or self.spawn(self.work_off(line))
        if line.is_long:  # who asks without end is heard no further for now
            await asyncio.wait([line.serving])

    async def work_off(self, line: Line) -> None:
        try:
            while line.frames:
                await self.take_turn(line.next())
        finally:
            self.line = None

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        if self.tasks is None:
            self.tasks = set()
        self.tasks.add(task)
        task.add_done_callback(self.forget)
        return task

    def forget(self, task: asyncio.Task[None]) -> None:
        if self.tasks is not None:
            self.tasks.discard(task)
            self.tasks = self.tasks or None

    def cancel_tasks(self) -> None:
        for task in self.tasks or ():
            if task is not asyncio.current_task():
                task.cancel()

    async def leave(self) -> None:
        self.stop()
        self.cancel_tasks()
        if self.tasks:  # what a thread does at this moment ends first: its lane is known by this socket
            await asyncio.wait(self.tasks, timeout=LAST_WORDS)
