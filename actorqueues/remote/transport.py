"""The way to a service: one pool of connections for synchronous code, one for an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, TypeVar

import httpx

from actorqueues.bridge import refuse_running_loop
from actorqueues.remote.exchange import Answer, Attempt, Course, Outcome

T = TypeVar("T")

CONNECT = (
    5.0  # seconds at most for one connection: where the first is lost on the way, there is time for another
)


class Transport:
    """Runs courses. ``options`` go to httpx. Pools are made when they are first used."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._sync: httpx.Client | None = None
        self._async: httpx.AsyncClient | None = None
        self._making = threading.Lock()

    @property
    def sync_pool(self) -> httpx.Client:
        with self._making:  # of two threads that come first, both would make one, and one would stay open
            if self._sync is None:
                self._sync = httpx.Client(**self._options)
            return self._sync

    @property
    def async_pool(self) -> httpx.AsyncClient:
        with self._making:
            if self._async is None:
                self._async = httpx.AsyncClient(**self._options)
            return self._async

    def run(self, name: str, course: Course[T]) -> T:
        """``name``: of the public method. Raises ``SynchronousOnlyOperation``, and what the course raises."""
        refuse_running_loop(name)
        said: Outcome | None = None
        try:
            while True:
                step = course.send(said)
                said = self._ask(step)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # StopIteration does not say of what type

    async def arun(self, course: Course[T]) -> T:
        said: Outcome | None = None
        try:
            while True:
                step = course.send(said)
                said = await self._aask(step)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # StopIteration does not say of what type

    def _ask(self, step: Attempt | float) -> Outcome | None:
        if isinstance(step, float):
            time.sleep(step)
            return None
        try:
            with self.sync_pool.stream(**arguments(step)) as response:
                return Answer(response.status_code, in_time(response, step))
        except httpx.TransportError as error:
            return error

    async def _aask(self, step: Attempt | float) -> Outcome | None:
        if isinstance(step, float):
            await asyncio.sleep(step)
            return None
        try:
            async with asyncio.timeout(step.left):
                response = await self.async_pool.request(**arguments(step))
                return Answer(response.status_code, response.content)
        except TimeoutError:
            return httpx.ReadTimeout("the answer did not end")
        except httpx.TransportError as error:
            return error

    def close(self) -> None:
        self.sync_pool.close()

    async def aclose(self) -> None:
        await self.async_pool.aclose()


def in_time(response: httpx.Response, attempt: Attempt) -> bytes:
    """httpx limits each wait for bytes, not all of them together."""
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if time.monotonic() > attempt.until:
            raise httpx.ReadTimeout("the answer did not end")
    return bytes(content)


def arguments(attempt: Attempt) -> dict[str, Any]:
    exchange, left = attempt.exchange, attempt.left
    return {
        "method": exchange.method,
        "url": exchange.path,
        "json": attempt.json,
        "headers": dict(exchange.headers),
        "timeout": httpx.Timeout(left, connect=min(CONNECT, left)),
    }
