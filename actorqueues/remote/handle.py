"""One actor of another service."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, overload

from actorqueues.bridge import refuse_running_loop
from actorqueues.client.receipts import Receipt
from actorqueues.client.results import AnyResult
from actorqueues.durations import Duration, optional_seconds
from actorqueues.remote import requests
from actorqueues.remote.events import Heard, Progress
from actorqueues.remote.listening import Endpoint, alisten, listen
from actorqueues.remote.queues import RemoteQueues
from actorqueues.remote.requests import Address, reply_of
from actorqueues.remote.topics import ActorTopic, MessageTopic
from actorqueues.remote.transport import Transport


class RemoteHandle:
    """Sends to an actor, asks it, looks at it. Everything that waits has an ``a`` twin.

    Queues and actions are named by text, bodies and replies are JSON. Durations are seconds or ``timedelta``. Each
    method raises what the service refuses with (``BodyInvalid``, ``QueueFull``, ``Forbidden``, …), ``RemoteError``
    for what this version does not know, and ``Unreachable`` after four tries, or when the client's ``timeout`` is over.
    """

    def __init__(self, transport: Transport, endpoint: Endpoint, address: Address) -> None:
        self._transport, self._endpoint, self._address = transport, endpoint, address

    def __repr__(self) -> str:
        return f"<RemoteHandle {self._address.path}>"

    @property
    def key(self) -> tuple[str, ...]:
        return self._address.key

    @property
    def queue(self) -> RemoteQueues:
        """Its queues as attributes: ``handle.queue.increment.send(body)``."""
        return RemoteQueues(self)

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
        return self._transport.run(
            "send", requests.send(self._address, queue, body, wait, timeout, **options)
        )

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
        return await self._transport.arun(requests.send(self._address, queue, body, wait, timeout, **options))

    def ask(self, queue: str, body: Any = None, *, timeout: Duration | None = None, **options: Any) -> Any:
        """Sends, waits and gives the reply itself. Raises ``ReplyTimedOut``, ``MessageFailed``."""
        return reply_of(self.send(queue, body, wait=True, timeout=timeout, **options), timeout)

    async def aask(
        self, queue: str, body: Any = None, *, timeout: Duration | None = None, **options: Any
    ) -> Any:
        return reply_of(await self.asend(queue, body, wait=True, timeout=timeout, **options), timeout)

    def status(self, message: str | Receipt) -> AnyResult:
        """What became of a message so far: ``timed_out`` says that it has no outcome yet. Raises ``MessageUnknown``."""
        return self._transport.run("status", requests.look(self._address, message))

    async def astatus(self, message: str | Receipt) -> AnyResult:
        return await self._transport.arun(requests.look(self._address, message))

    def wait_for(self, message: str | Receipt, *, timeout: Duration | None = None) -> AnyResult:
        """Asks for the outcome of a message that was sent before, more and more seldom. Raises ``MessageUnknown``."""
        return self._transport.run("wait_for", requests.wait_for(self._address, message, timeout))

    async def await_for(self, message: str | Receipt, *, timeout: Duration | None = None) -> AnyResult:
        return await self._transport.arun(requests.wait_for(self._address, message, timeout))

    def listen(
        self, *events: str, after: int | None = None, timeout: Duration | None = None
    ) -> Iterator[Heard]:
        """The actor's events of these names, or all, as they come: ``Event``, and ``Standing`` where one begins.

        It opens a WebSocket when it is first asked for one, and others when that is lost: what was stored meanwhile
        comes then. ``after``: the number of the last event that is known already. Ends when ``timeout`` is over;
        None: never. Raises ``Unreachable`` where the first socket does not come about, and what the service refuses.
        """
        refuse_running_loop("listen")
        return listen(self._endpoint, ActorTopic(self._address.wire, events, after), length_of(timeout))

    def alisten(
        self, *events: str, after: int | None = None, timeout: Duration | None = None
    ) -> AsyncIterator[Heard]:
        return alisten(self._endpoint, ActorTopic(self._address.wire, events, after), length_of(timeout))

    def follow(self, message: str | Receipt, *, timeout: Duration | None = None) -> Iterator[Progress]:
        """What the message reported last and what it reports, until it is settled, or ``timeout`` is over.

        Over a WebSocket, as ``listen``. Raises ``MessageUnknown``.
        """
        refuse_running_loop("follow")
        topic = MessageTopic(self._address.wire, requests.id_of(message))
        return listen(self._endpoint, topic, length_of(timeout))

    def afollow(self, message: str | Receipt, *, timeout: Duration | None = None) -> AsyncIterator[Progress]:
        topic = MessageTopic(self._address.wire, requests.id_of(message))
        return alisten(self._endpoint, topic, length_of(timeout))

    def cancel(self, message: str | Receipt) -> bool:
        """Takes back a message that has not been started: whether that was still possible."""
        return self._transport.run("cancel", requests.cancel(self._address, message))

    async def acancel(self, message: str | Receipt) -> bool:
        return await self._transport.arun(requests.cancel(self._address, message))

    def call(self, action: str, *args: Any, **kwargs: Any) -> Any:
        """Runs an action there, on the last committed state; gives what it returns."""
        return self._transport.run("call", requests.call(self._address, action, args, kwargs))

    async def acall(self, action: str, *args: Any, **kwargs: Any) -> Any:
        return await self._transport.arun(requests.call(self._address, action, args, kwargs))

    def get_state(self) -> Any:
        """The committed state as JSON. Raises ``ActorNotFound``, ``Forbidden``."""
        return self._transport.run("get_state", requests.state(self._address))

    async def aget_state(self) -> Any:
        return await self._transport.arun(requests.state(self._address))

    def create(self, input: Any = None) -> None:
        """Makes the actor now. Raises ``ActorExists``."""
        self._transport.run("create", requests.create(self._address, input))

    async def acreate(self, input: Any = None) -> None:
        await self._transport.arun(requests.create(self._address, input))

    def destroy(self) -> None:
        """Marks it as destroyed. Raises ``ActorNotFound``, ``Forbidden``."""
        self._transport.run("destroy", requests.destroy(self._address))

    async def adestroy(self) -> None:
        await self._transport.arun(requests.destroy(self._address))


def length_of(timeout: Duration | None) -> float:
    lasts = optional_seconds(timeout, "timeout")
    return math.inf if lasts is None else lasts
