"""What goes out, never more at once than its reader keeps up with."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable

from actorqueues.conf import settings
from actorqueues.consumers.closing import CloseCode

logger = logging.getLogger("actorqueues.consumers")

# Bytes on their way to the reader. The server's own buffers have no limit that we could see, so each time half of it
# was sent a ping goes along: the answer tells that all before it was read.
WINDOW = 262_144
STUCK = 1.0  # seconds without an answer
BURST = 8  # times the setting WEBSOCKET_BACKLOG


class Outbox:
    """The frames of one socket. On its event loop only; ``drop(code)`` is called once, when the reader is slow.

    It keeps references to texts that all sockets share.
    """

    __slots__ = (
        "closed", "draining", "drop", "moved_at", "overdue", "pings", "read", "send", "sent", "waiting",
        "waiting_bytes",
    )  # fmt: skip

    def __init__(self, send: Callable[[str], Awaitable[None]], drop: Callable[[CloseCode], None]) -> None:
        self.send, self.drop = send, drop
        self.waiting: deque[str] | None = None  # while there is something in it: an empty one takes 760 bytes
        self.waiting_bytes = 0
        self.sent = self.read = 0  # bytes since the start
        self.pings: list[tuple[int, int]] = []  # number, and what was sent before
        self.draining: asyncio.Task[None] | None = None
        self.overdue: asyncio.TimerHandle | None = None
        self.moved_at = 0.0  # when a ping was answered, or the first one sent
        self.closed = False

    @property
    def queue(self) -> deque[str]:
        if self.waiting is None:
            self.waiting = deque()
        return self.waiting

    def put(self, text: str) -> None:
        if self.closed:
            return
        self.queue.append(text)
        self.waiting_bytes += len(text)
        if self.is_too_much():
            self.give_up(CloseCode.SLOW_READER)
            return
        self.drain_soon()

    def is_too_much(self) -> bool:
        """A burst is nobody's fault, up to a point: texts are shared, what is too much is what nobody reads."""
        limit = settings.WEBSOCKET_BACKLOG
        if self.waiting_bytes <= limit:
            return False
        stuck = bool(self.pings) and time.monotonic() - self.moved_at > STUCK
        return stuck or self.waiting_bytes > BURST * limit

    def ping(self) -> None:
        """Asks the reader for an answer, unless one is awaited."""
        if not self.pings and not self.closed:
            self.add_ping()
            self.drain_soon()

    def add_ping(self) -> None:
        number = secrets.randbits(31)  # nobody answers what they have not read
        if not self.pings:
            self.moved_at = time.monotonic()
        self.pings.append((number, self.sent))
        text = f'{{"type":"ping","ping":{number}}}'
        self.queue.appendleft(text)
        self.waiting_bytes += len(text)
        if self.overdue is None:
            self.expect_answer()

    def pong(self, number: int) -> None:
        """All that was sent before this ping was read. A number that is not awaited says nothing."""
        awaited = [one for one, _ in self.pings]
        if number not in awaited:
            return
        place = awaited.index(number)
        self.read = self.pings[place][1]
        self.moved_at = time.monotonic()
        del self.pings[: place + 1]
        self.expect_answer()
        self.drain_soon()

    def expect_answer(self) -> None:
        """To the oldest ping, from now on: one answer after another is fast enough."""
        if self.overdue is not None:
            self.overdue.cancel()
            self.overdue = None
        if self.pings and not self.closed:
            loop = asyncio.get_running_loop()
            self.overdue = loop.call_later(settings.WEBSOCKET_PATIENCE, self.not_answered)

    def not_answered(self) -> None:
        stuck = self.waiting or self.sent - self.read > WINDOW // 2
        self.give_up(CloseCode.SLOW_READER if stuck else CloseCode.SILENT)

    @property
    def may_send(self) -> bool:
        return bool(self.waiting) and self.sent - self.read < WINDOW

    def drain_soon(self) -> None:
        if self.draining is None and self.may_send and not self.closed:
            self.draining = asyncio.get_running_loop().create_task(self.drain())

    async def drain(self) -> None:
        try:
            while self.may_send and not self.closed:
                text = self.queue.popleft()
                self.waiting_bytes -= len(text)
                await self.send(text)
                self.sent += len(text)
                pinged = self.pings[-1][1] if self.pings else self.read
                if self.sent - pinged >= WINDOW // 2:
                    self.add_ping()
        except Exception as error:  # noqa: BLE001  servers differ in what they raise
            logger.debug("a socket is gone: %s", error)
            self.close()
        finally:
            self.draining = None
            if not self.waiting:
                self.waiting = None

    def give_up(self, code: CloseCode) -> None:
        if not self.closed:
            self.close()
            self.drop(code)

    def close(self) -> None:
        self.closed = True
        self.waiting = None
        if self.overdue is not None:
            self.overdue.cancel()
        if self.draining is not None and self.draining is not asyncio.current_task():
            self.draining.cancel()  # a server may hold it up until the reader reads
