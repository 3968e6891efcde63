"""The way to a service: one pool of connections for synchronous code, one for an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self, TypeVar

import httpx

from actorqueues.bridge import refuse_running_loop
from actorqueues.definitions.keys import Key
from actorqueues.remote.exchange import Course, Exchange, Outcome
from actorqueues.remote.handle import RemoteHandle
from actorqueues.remote.requests import Address

T = TypeVar("T")

TIMEOUT = 10.0  # seconds for an answer, beyond what is waited for on purpose


class Client:
    """The actors of another service: ``Client(url).counter.get_or_create("main").send("increment", {"amount": 5})``.

    ``url``: where the service has mounted its API. ``token`` is short for the header ``Authorization: Bearer …``;
    ``auth``, ``verify``, ``proxy``, … go to httpx. May be shared by threads. Close it with ``close()`` or ``aclose()``,
    or use it in ``with`` or ``async with``.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **httpx_options: Any,
    ) -> None:
        self.url = url.rstrip("/") + "/"
        said = {"Accept": "application/json", **(headers or {})}
        if token is not None:
            said["Authorization"] = f"Bearer {token}"
        self._options: dict[str, Any] = {"base_url": self.url, "headers": said, **httpx_options}

    def actor(self, type_name: str, key: Key) -> RemoteHandle:
        """A handle to the actor of this type and key. Nothing is asked yet. Raises ``KeyInvalid``."""
        return RemoteHandle(self, Address.of(type_name, key))

    def __getattr__(self, type_name: str) -> RemoteType:
        if type_name.startswith("_"):
            raise AttributeError(type_name)
        return RemoteType(self, type_name)

    @cached_property
    def _sync(self) -> httpx.Client:
        return httpx.Client(**self._options)

    @cached_property
    def _async(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**self._options)

    def run(self, course: Course[T]) -> T:
        refuse_running_loop("send")
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

    def _ask(self, step: Exchange[Any] | float) -> Outcome | None:
        if isinstance(step, float):
            time.sleep(step)
            return None
        try:
            return self._sync.request(**arguments(step))
        except httpx.TransportError as error:
            return error

    async def _aask(self, step: Exchange[Any] | float) -> Outcome | None:
        if isinstance(step, float):
            await asyncio.sleep(step)
            return None
        try:
            return await self._async.request(**arguments(step))
        except httpx.TransportError as error:
            return error

    def close(self) -> None:
        self._sync.close()

    async def aclose(self) -> None:
        await self._async.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class RemoteType:
    """The actors of one type."""

    def __init__(self, client: Client, type_name: str) -> None:
        self._client, self._type_name = client, type_name

    def get_or_create(self, key: Key) -> RemoteHandle:
        """A handle; the actor comes into being with its first message, where the service allows that."""
        return self._client.actor(self._type_name, key)


def arguments(exchange: Exchange[Any]) -> dict[str, Any]:
    return {
        "method": exchange.method,
        "url": exchange.path,
        "json": exchange.json,
        "headers": dict(exchange.headers),
        "timeout": httpx.Timeout(TIMEOUT, read=TIMEOUT + exchange.takes),
    }
