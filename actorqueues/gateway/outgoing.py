from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from actorqueues.conf import settings

logger = logging.getLogger("actorqueues.gateway")


class Outgoing:
    """What a socket is sent, in order. ``slow`` is called once, when its reader does not keep up.

    A server that takes whatever it is given (daphne) hides that; its own pings end what is silent and dead.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]], slow: Callable[[], None]) -> None:
        self.send, self.slow = send, slow
        self.waiting: deque[str] = deque()
        self.size = 0
        self.draining: asyncio.Task[None] | None = None
        self.closed = False

    def put(self, texts: Iterable[str]) -> None:
        if self.closed:
            return
        for text in texts:
            self.waiting.append(text)
            self.size += len(text)
        if self.size > settings.WEBSOCKET_BACKLOG:
            self.close()
            self.slow()
        elif self.draining is None:
            self.draining = asyncio.get_running_loop().create_task(self.drain())

    async def drain(self) -> None:
        try:
            while self.waiting:
                text = self.waiting.popleft()
                await self.send(text)
                self.size -= len(text)
        except Exception as error:  # noqa: BLE001  servers differ in what they raise
            logger.debug("a socket is gone: %s", error)
            self.close()
        finally:
            self.draining = None

    async def flush(self) -> None:
        if self.draining is not None:
            await asyncio.wait([self.draining])

    def close(self) -> None:
        self.closed = True
        self.waiting.clear()
        if self.draining is not None and self.draining is not asyncio.current_task():
            self.draining.cancel()
