"""How an actor asks for its messages. The work is done by the activation's receiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeVar, overload

from typing_extensions import Unpack

from actorqueues.definitions import ports
from actorqueues.definitions.registry import resolve_queue
from actorqueues.durations import Duration, optional_seconds
from actorqueues.exceptions import ActorAborted, NotActivated

if TYPE_CHECKING:
    from actorqueues.client.handle import Handle
    from actorqueues.client.options import SendOptions
    from actorqueues.client.receipts import Receipt
    from actorqueues.definitions.abort import AbortSignal
    from actorqueues.definitions.actor import Actor
    from actorqueues.definitions.ports import ReceiverPort
    from actorqueues.definitions.queue import Queue
    from actorqueues.mailbox.message import Message

B = TypeVar("B")
R = TypeVar("R")

QueueLike: TypeAlias = "Queue[B, R] | Mailbox[B, R]"
AnyQueue: TypeAlias = "Queue[Any, Any] | Mailbox[Any, Any] | str"


class MessageIterator(Generic[B, R]):
    """What ``iter()`` gives: one message a turn, until the actor or the signal is aborted."""

    __slots__ = ("_actor", "_completable", "_queues", "_signal")

    def __init__(
        self,
        actor: Actor[Any],
        queues: Sequence[Queue[Any, Any]] | None,
        signal: AbortSignal | None,
        completable: bool,
    ) -> None:
        self._actor = actor
        self._queues = queues
        self._signal = signal
        self._completable = completable

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message[B, R]:
        try:
            messages = await _receiver(self._actor).receive(
                self._queues, count=1, timeout=None, signal=self._signal, completable=self._completable
            )
        except ActorAborted:
            raise StopAsyncIteration from None
        if not messages:
            raise StopAsyncIteration
        return messages[0]


class Mailbox(Generic[B, R]):
    """One queue of the actor that is running: ``self.increment``."""

    __slots__ = ("_actor", "queue")

    def __init__(self, actor: Actor[Any], queue: Queue[B, R]) -> None:
        self._actor = actor
        self.queue = queue

    def __repr__(self) -> str:
        return f"<Mailbox {self.queue.name}>"

    async def next(
        self, *, timeout: Duration | None = None, signal: AbortSignal | None = None, completable: bool = False
    ) -> Message[B, R] | None:
        """The oldest message. None once ``timeout`` is over (seconds or ``timedelta``; 0 is one try, None
        waits).

        Raises ``ActorAborted`` when the actor or ``signal`` is aborted, ``QueueMessagePending`` while an
        earlier completable message of this queue is not completed.
        """
        messages = await self._receive(1, timeout, signal, completable)
        return messages[0] if messages else None

    async def try_next(self, *, completable: bool = False) -> Message[B, R] | None:
        """The oldest message if there is one. Never waits."""
        messages = await self._receive(1, 0, None, completable)
        return messages[0] if messages else None

    async def next_batch(
        self,
        *,
        count: int = 1,
        timeout: Duration | None = None,
        signal: AbortSignal | None = None,
        completable: bool = False,
    ) -> list[Message[B, R]]:
        """Up to ``count`` messages, as soon as there is one; [] once ``timeout`` is over."""
        return await self._receive(count, timeout, signal, completable)

    async def try_next_batch(self, *, count: int = 1, completable: bool = False) -> list[Message[B, R]]:
        """Up to ``count`` messages of those that are there. Never waits."""
        return await self._receive(count, 0, None, completable)

    def iter(self, *, signal: AbortSignal | None = None, completable: bool = False) -> MessageIterator[B, R]:
        """Every message, for ``async for``; ends silently when the actor or ``signal`` is aborted."""
        return MessageIterator(self._actor, (self.queue,), signal, completable)

    async def _receive(
        self, count: int, timeout: Duration | None, signal: AbortSignal | None, completable: bool
    ) -> list[Message[B, R]]:
        return await _receiver(self._actor).receive(
            (self.queue,),
            count=_count(count),
            timeout=optional_seconds(timeout, "timeout"),
            signal=signal,
            completable=completable,
        )

    @overload
    def send(self: Mailbox[None, R], **options: Unpack[SendOptions]) -> Receipt: ...
    @overload
    def send(self, body: B | Mapping[str, Any], **options: Unpack[SendOptions]) -> Receipt: ...
    def send(self, body: Any = None, **options: Unpack[SendOptions]) -> Receipt:
        """Send to this queue of this very actor; takes the options of ``Handle.send``."""
        return self._handle().send(self.queue, body, **options)

    @overload
    async def asend(self: Mailbox[None, R], **options: Unpack[SendOptions]) -> Receipt: ...
    @overload
    async def asend(self, body: B | Mapping[str, Any], **options: Unpack[SendOptions]) -> Receipt: ...
    async def asend(self, body: Any = None, **options: Unpack[SendOptions]) -> Receipt:
        return await self._handle().asend(self.queue, body, **options)

    def _handle(self) -> Handle[Any]:
        return ports.clients.handle(type(self._actor), self._actor.key, create=True)


class Mailboxes:
    """Several queues of the actor that is running, or all: ``self.queue``.

    Queues are named by reference or wire name; none means all. ``next`` takes the oldest message of them,
    queues of a higher ``priority`` first.
    """

    __slots__ = ("_actor",)

    def __init__(self, actor: Actor[Any]) -> None:
        self._actor = actor

    @overload
    async def next(
        self,
        queue: QueueLike[B, R],
        /,
        *,
        timeout: Duration | None = None,
        signal: AbortSignal | None = None,
        completable: bool = False,
    ) -> Message[B, R] | None: ...
    @overload
    async def next(
        self,
        *queues: AnyQueue,
        timeout: Duration | None = None,
        signal: AbortSignal | None = None,
        completable: bool = False,
    ) -> Message[Any, Any] | None: ...
    async def next(
        self,
        *queues: AnyQueue,
        timeout: Duration | None = None,
        signal: AbortSignal | None = None,
        completable: bool = False,
    ) -> Message[Any, Any] | None:
        """See ``Mailbox.next``. Raises ``UnknownQueue`` for a name that this actor has not."""
        messages = await self._receive(queues, 1, timeout, signal, completable)
        return messages[0] if messages else None

    async def try_next(self, *queues: AnyQueue, completable: bool = False) -> Message[Any, Any] | None:
        messages = await self._receive(queues, 1, 0, None, completable)
        return messages[0] if messages else None

    async def next_batch(
        self,
        *queues: AnyQueue,
        count: int = 1,
        timeout: Duration | None = None,
        signal: AbortSignal | None = None,
        completable: bool = False,
    ) -> list[Message[Any, Any]]:
        return await self._receive(queues, count, timeout, signal, completable)

    async def try_next_batch(
        self, *queues: AnyQueue, count: int = 1, completable: bool = False
    ) -> list[Message[Any, Any]]:
        return await self._receive(queues, count, 0, None, completable)

    @overload
    def iter(
        self, queue: QueueLike[B, R], /, *, signal: AbortSignal | None = None, completable: bool = False
    ) -> MessageIterator[B, R]: ...
    @overload
    def iter(
        self, *queues: AnyQueue, signal: AbortSignal | None = None, completable: bool = False
    ) -> MessageIterator[Any, Any]: ...
    def iter(
        self, *queues: AnyQueue, signal: AbortSignal | None = None, completable: bool = False
    ) -> MessageIterator[Any, Any]:
        return MessageIterator(self._actor, resolve_queues(self._actor, queues), signal, completable)

    async def _receive(
        self,
        queues: Sequence[AnyQueue],
        count: int,
        timeout: Duration | None,
        signal: AbortSignal | None,
        completable: bool,
    ) -> list[Message[Any, Any]]:
        return await _receiver(self._actor).receive(
            resolve_queues(self._actor, queues),
            count=_count(count),
            timeout=optional_seconds(timeout, "timeout"),
            signal=signal,
            completable=completable,
        )


def _receiver(actor: Actor[Any]) -> ReceiverPort:
    if actor._port is None:
        raise NotActivated(name="Receiving", actor_class=type(actor).__name__)
    return actor._port.receiver


def resolve_queues(actor: Actor[Any], queues: Sequence[AnyQueue]) -> Sequence[Queue[Any, Any]] | None:
    """The queues of ``actor`` that are meant; None (all of them) for none. Raises ``UnknownQueue``."""
    if not queues:
        return None
    meant = [queue.queue if isinstance(queue, Mailbox) else queue for queue in queues]
    return tuple(dict.fromkeys(resolve_queue(type(actor), queue) for queue in meant))


def _count(count: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"count must be a whole number of 1 or more, not {count!r}.")
    return count


RECEIVE_CODES: Final[set[CodeType]] = {
    function.__code__
    for function in (
        MessageIterator.__anext__,
        Mailbox.next,
        Mailbox.try_next,
        Mailbox.next_batch,
        Mailbox.try_next_batch,
        Mailboxes.next,
        Mailboxes.try_next,
        Mailboxes.next_batch,
        Mailboxes.try_next_batch,
    )
}
"""The code of every coroutine that is nothing but a receive. A task made of one receives for its creator."""
