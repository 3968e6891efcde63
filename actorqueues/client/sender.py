from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar, overload

from typing_extensions import Unpack

from actorqueues.bridge import in_thread, refuse_running_loop
from actorqueues.client import asking
from actorqueues.client.options import SendOptions
from actorqueues.client.outgoing import make_outgoing
from actorqueues.client.receipts import Receipt
from actorqueues.client.results import AnyResult, Result
from actorqueues.client.sending import delivery_in_hand, leave, leave_without_io
from actorqueues.client.targets import Target
from actorqueues.client.waiting import reply_of, time_to_wait
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.registry import resolve_queue
from actorqueues.durations import Duration

B = TypeVar("B")
R = TypeVar("R")

Given: TypeAlias = B | Mapping[str, Any]
Timeout: TypeAlias = Duration | None


class Sender:
    """The part of a handle that sends and waits."""

    _target: Target

    @overload
    def send(
        self,
        queue: Queue[None, R],
        body: None = None,
        *,
        wait: Literal[False] = False,
        **options: Unpack[SendOptions],
    ) -> Receipt: ...
    @overload
    def send(
        self,
        queue: Queue[B, R],
        body: Given[B],
        *,
        wait: Literal[False] = False,
        **options: Unpack[SendOptions],
    ) -> Receipt: ...
    @overload
    def send(
        self, queue: str, body: Any = None, *, wait: Literal[False] = False, **options: Unpack[SendOptions]
    ) -> Receipt: ...
    @overload
    def send(
        self, queue: Queue[None, R], body: None = None, *, wait: Literal[True], timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> Result[R]: ...  # fmt: skip
    @overload
    def send(
        self, queue: Queue[B, R], body: Given[B], *, wait: Literal[True], timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> Result[R]: ...  # fmt: skip
    @overload
    def send(
        self, queue: str, body: Any = None, *, wait: Literal[True], timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> AnyResult: ...  # fmt: skip
    def send(
        self,
        queue: Queue[Any, Any] | str,
        body: Any = None,
        *,
        wait: bool = False,
        timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> Receipt | AnyResult:
        """Sends to a queue, by reference (``Counter.increment``) or name; with ``wait`` waits for the outcome.

        Durable when it returns, with the caller's transaction where one is open on the actors' database;
        inside a delivery, when that settles (unless ``now`` or ``wait``). ``timeout``: seconds or
        ``timedelta``, by default the setting ``WAIT_TIMEOUT``. Options: see ``SendOptions``.

        Raises ``UnknownQueue``, ``BodyInvalid``, ``MessageTooLarge``, ``QueueFull``, ``ActorNotFound``,
        ``IdempotencyMismatch``, ``TransactionMismatch``; with ``wait`` also ``WaitInTransaction``,
        ``WaitOnSelf``.
        """
        refuse_running_loop("send")
        found = resolve_queue(self._target.actor_class, queue)
        if wait:
            return asking.send_and_wait(self._target, found, body, options, timeout)
        return self._send(found, body, options)

    @overload
    async def asend(
        self,
        queue: Queue[None, R],
        body: None = None,
        *,
        wait: Literal[False] = False,
        **options: Unpack[SendOptions],
    ) -> Receipt: ...
    @overload
    async def asend(
        self,
        queue: Queue[B, R],
        body: Given[B],
        *,
        wait: Literal[False] = False,
        **options: Unpack[SendOptions],
    ) -> Receipt: ...
    @overload
    async def asend(
        self, queue: str, body: Any = None, *, wait: Literal[False] = False, **options: Unpack[SendOptions]
    ) -> Receipt: ...
    @overload
    async def asend(
        self, queue: Queue[None, R], body: None = None, *, wait: Literal[True], timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> Result[R]: ...  # fmt: skip
    @overload
    async def asend(
        self, queue: Queue[B, R], body: Given[B], *, wait: Literal[True], timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> Result[R]: ...  # fmt: skip
    @overload
    async def asend(
        self, queue: str, body: Any = None, *, wait: Literal[True], timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> AnyResult: ...  # fmt: skip
    async def asend(
        self,
        queue: Queue[Any, Any] | str,
        body: Any = None,
        *,
        wait: bool = False,
        timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> Receipt | AnyResult:
        """``send`` on an event loop."""
        found = resolve_queue(self._target.actor_class, queue)
        if wait:
            return await asking.send_and_await(self._target, found, body, options, timeout)
        if delivery_in_hand() is None or not self._target.is_located:
            return await in_thread(self._send, found, body, options)
        # In a delivery a send is a hand-over in memory: no thread for that.
        outgoing = make_outgoing(self._target, found, body, options)
        now, detached = bool(options.get("now")), bool(options.get("detached"))
        receipt = leave_without_io(self._target, found, outgoing, now=now)
        if receipt is not None:
            return receipt
        return (await in_thread(leave, self._target, found, [outgoing], now=now, detached=detached))[0]

    def _send(self, queue: Queue[Any, Any], body: Any, options: SendOptions) -> Receipt:
        outgoing = make_outgoing(self._target, queue, body, options)
        now, detached = bool(options.get("now")), bool(options.get("detached"))
        return leave(self._target, queue, [outgoing], now=now, detached=detached)[0]

    @overload
    def ask(
        self,
        queue: Queue[None, R],
        body: None = None,
        *,
        timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> R: ...
    @overload
    def ask(
        self,
        queue: Queue[B, R],
        body: Given[B],
        *,
        timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> R: ...
    @overload
    def ask(
        self, queue: str, body: Any = None, *, timeout: Timeout = None, **options: Unpack[SendOptions]
    ) -> Any: ...
    def ask(
        self,
        queue: Queue[Any, Any] | str,
        body: Any = None,
        *,
        timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> Any:
        """Sends, waits and gives the reply itself.

        Raises ``ReplyTimedOut``, ``MessageFailed``, and what ``send`` raises.
        """
        refuse_running_loop("ask")
        found = resolve_queue(self._target.actor_class, queue)
        return reply_of(
            asking.send_and_wait(self._target, found, body, options, timeout), time_to_wait(timeout)
        )

    @overload
    async def aask(
        self,
        queue: Queue[None, R],
        body: None = None,
        *,
        timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> R: ...
    @overload
    async def aask(
        self,
        queue: Queue[B, R],
        body: Given[B],
        *,
        timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> R: ...
    @overload
    async def aask(
        self, queue: str, body: Any = None, *, timeout: Timeout = None, **options: Unpack[SendOptions]
    ) -> Any: ...
    async def aask(
        self,
        queue: Queue[Any, Any] | str,
        body: Any = None,
        *,
        timeout: Timeout = None,
        **options: Unpack[SendOptions],
    ) -> Any:
        """``ask`` on an event loop."""
        found = resolve_queue(self._target.actor_class, queue)
        result = await asking.send_and_await(self._target, found, body, options, timeout)
        return reply_of(result, time_to_wait(timeout))

    def wait_for(self, message: str | Receipt, *, timeout: Timeout = None) -> AnyResult:
        """Waits for the outcome of a message that was sent before, by its id or receipt.

        Raises ``MessageUnknown`` when nothing is kept about it (see ``track``), ``WaitInTransaction``,
        ``WaitOnSelf``.
        """
        refuse_running_loop("wait_for")
        return asking.wait_for(self._target, message, timeout)

    async def await_for(self, message: str | Receipt, *, timeout: Timeout = None) -> AnyResult:
        """``wait_for`` on an event loop."""
        return await asking.await_for(self._target, message, timeout)
