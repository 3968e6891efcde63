"""The queues of one actor of another service, as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorqueues.durations import Duration

if TYPE_CHECKING:
    from actorqueues.remote.handle import RemoteHandle


class RemoteQueues:
    """``handle.queue.increment.send(body)``; ``[...]`` takes names that are no identifiers."""

    __slots__ = ("_handle",)

    def __init__(self, handle: RemoteHandle) -> None:
        self._handle = handle

    def __getitem__(self, name: str) -> RemoteQueue:
        return RemoteQueue(self._handle, name)

    def __getattr__(self, name: str) -> RemoteQueue:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]


class RemoteQueue:
    """One queue of one actor: the handle's sending methods without their first argument."""

    __slots__ = ("_handle", "_name")

    def __init__(self, handle: RemoteHandle, name: str) -> None:
        self._handle, self._name = handle, name

    def __repr__(self) -> str:
        return f"<RemoteQueue {self._name} of {self._handle!r}>"

    def send(self, body: Any = None, **options: Any) -> Any:
        return self._handle.send(self._name, body, **options)

    async def asend(self, body: Any = None, **options: Any) -> Any:
        return await self._handle.asend(self._name, body, **options)

    def ask(self, body: Any = None, *, timeout: Duration | None = None, **options: Any) -> Any:
        return self._handle.ask(self._name, body, timeout=timeout, **options)

    async def aask(self, body: Any = None, *, timeout: Duration | None = None, **options: Any) -> Any:
        return await self._handle.aask(self._name, body, timeout=timeout, **options)
