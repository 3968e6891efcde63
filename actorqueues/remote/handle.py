"""One actor of another service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from actorqueues.client.receipts import Receipt
from actorqueues.client.results import AnyResult
from actorqueues.durations import Duration
from actorqueues.remote import requests
from actorqueues.remote.requests import Address, reply_of

if TYPE_CHECKING:
    from actorqueues.remote.client import Client


class RemoteHandle:
    """Sends to an actor, asks it, looks at it. Everything that waits has an ``a`` twin.

    Queues and actions are named by text, bodies and replies are JSON. Durations are seconds or ``timedelta``. Each
    method raises what the service refuses with (``BodyInvalid``, ``QueueFull``, ``Forbidden``, …), ``RemoteError``
    for what this version does not know, and ``Unreachable`` after four tries.
    """

    def __init__(self, client: Client, address: Address) -> None:
        self._client, self._address = client, address

    def __repr__(self) -> str:
        return f"<RemoteHandle {self._address.path}>"

    @overload
    def send(
        self, queue: str, body: Any = None, *, wait: Literal[False] = False, **options: Any
    ) -> Receipt: ...
    @overload
    def send(
        self,
        queue: str,
        body: Any = None,
        *,
        wait: Literal[True],
        timeout: Duration | None = None,
        **options: Any,
    ) -> AnyResult: ...
    def send(
        self,
        queue: str,
        body: Any = None,
        *,
        wait: bool = False,
        timeout: Duration | None = None,
        **options: Any,
    ) -> Any:
        """Sends a message; with ``wait`` waits for its outcome. Stored when it returns.

        ``options``: ``delay``, ``dedupe``, ``idempotency_key`` (else one is made, so that a lost connection is
        tried again and nothing is sent twice).
        """
        return self._client.run(requests.send(self._address, queue, body, wait, timeout, **options))

    @overload
    async def asend(
        self, queue: str, body: Any = None, *, wait: Literal[False] = False, **options: Any
    ) -> Receipt: ...
    @overload
    async def asend(
        self,
        queue: str,
        body: Any = None,
        *,
        wait: Literal[True],
        timeout: Duration | None = None,
        **options: Any,
    ) -> AnyResult: ...
    async def asend(
        self,
        queue: str,
        body: Any = None,
        *,
        wait: bool = False,
        timeout: Duration | None = None,
        **options: Any,
    ) -> Any:
        return await self._client.arun(requests.send(self._address, queue, body, wait, timeout, **options))

    def ask(self, queue: str, body: Any = None, *, timeout: Duration | None = None, **options: Any) -> Any:
        """Sends, waits and gives the reply itself. Raises ``ReplyTimedOut``, ``MessageFailed``."""
        return reply_of(self.send(queue, body, wait=True, timeout=timeout, **options), timeout)

    async def aask(
        self, queue: str, body: Any = None, *, timeout: Duration | None = None, **options: Any
    ) -> Any:
        return reply_of(await self.asend(queue, body, wait=True, timeout=timeout, **options), timeout)

    def status(self, message: str | Receipt) -> AnyResult:
        """What became of a message so far: ``timed_out`` says that it has no outcome yet. Raises ``MessageUnknown``."""
        return self._client.run(requests.look(self._address, message))

    async def astatus(self, message: str | Receipt) -> AnyResult:
        return await self._client.arun(requests.look(self._address, message))

    def wait_for(self, message: str | Receipt, *, timeout: Duration | None = None) -> AnyResult:
        """Asks for the outcome of a message that was sent before, more and more seldom. Raises ``MessageUnknown``."""
        return self._client.run(requests.wait_for(self._address, message, timeout))

    async def await_for(self, message: str | Receipt, *, timeout: Duration | None = None) -> AnyResult:
        return await self._client.arun(requests.wait_for(self._address, message, timeout))

    def cancel(self, message: str | Receipt) -> bool:
        """Takes back a message that has not been started: whether that was still possible."""
        return self._client.run(requests.cancel(self._address, message))

    async def acancel(self, message: str | Receipt) -> bool:
        return await self._client.arun(requests.cancel(self._address, message))

    def call(self, action: str, *args: Any, **kwargs: Any) -> Any:
        """Runs an action there, on the last committed state; gives what it returns."""
        return self._client.run(requests.call(self._address, action, args, kwargs))

    async def acall(self, action: str, *args: Any, **kwargs: Any) -> Any:
        return await self._client.arun(requests.call(self._address, action, args, kwargs))

    def get_state(self) -> Any:
        """The committed state as JSON. Raises ``ActorNotFound``, ``Forbidden``."""
        return self._client.run(requests.state(self._address))

    async def aget_state(self) -> Any:
        return await self._client.arun(requests.state(self._address))

    def create(self, input: Any = None) -> None:
        """Makes the actor now. Raises ``ActorExists``."""
        self._client.run(requests.create(self._address, input))

    async def acreate(self, input: Any = None) -> None:
        await self._client.arun(requests.create(self._address, input))

    def destroy(self) -> None:
        """Marks it as destroyed. Raises ``ActorNotFound``, ``Forbidden``."""
        self._client.run(requests.destroy(self._address))

    async def adestroy(self) -> None:
        await self._client.arun(requests.destroy(self._address))
