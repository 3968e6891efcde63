from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, overload

from typing_extensions import Unpack

from actorqueues.bridge import refuse_running_loop
from actorqueues.client import actions
from actorqueues.client.bulk import BulkSender
from actorqueues.client.following import Follower
from actorqueues.client.operating import Operator
from actorqueues.client.options import SendOptions
from actorqueues.client.receipts import Receipt
from actorqueues.client.sender import Sender
from actorqueues.client.targets import Target
from actorqueues.definitions.action import Action
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.registry import resolve_queue
from actorqueues.durations import Duration
from actorqueues.storage.sending import Progress

A = TypeVar("A", bound=Actor[Any])
P = ParamSpec("P")
T = TypeVar("T")


class Handle(Sender, BulkSender, Operator, Follower, Generic[A]):
    """An actor, seen from outside: what sends to it, asks it, looks at it and operates it.

    It holds no connection and makes no query by itself. Everything that does I/O has an ``a`` twin for async
    code; the sync form on a running event loop raises ``SynchronousOnlyOperation``.
    """

    __slots__ = ("_target",)

    def __init__(self, target: Target) -> None:
        self._target = target

    def __repr__(self) -> str:
        if self._target.is_located:
            return f"<Handle {self._target.address}>"
        return f"<Handle {self._target.type_name} {self._target.actor_id.hex}>"

    @property
    def actor_class(self) -> type[A]:
        return self._target.actor_class  # type: ignore[return-value]

    @property
    def key(self) -> tuple[str, ...]:
        """A handle from ``get_for_id`` looks it up once: ``ActorNotFound`` when there is no such actor."""
        return self._target.parts

    @property
    def queue(self) -> HandleQueues:
        """Its queues as attributes: ``handle.queue.increment.send(body)``."""
        return HandleQueues(self)

    @overload
    def call(self, action: Action[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    def call(self, action: str, *args: Any, **kwargs: Any) -> Any: ...
    def call(self, action: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs an ``@action`` here, on the last committed state; needs no worker.

        Raises ``ActionNotFound``, ``ActorNotFound``, ``StateReadOnly`` when it has changed the state.
        """
        refuse_running_loop("call")
        return actions.call(self._target, actions.find_action(self._target, action), *args, **kwargs)

    @overload
    async def acall(self, action: Action[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    async def acall(self, action: str, *args: Any, **kwargs: Any) -> Any: ...
    async def acall(self, action: Any, *args: Any, **kwargs: Any) -> Any:
        """``call`` on an event loop."""
        return await actions.acall(self._target, actions.find_action(self._target, action), *args, **kwargs)


class HandleQueues:
    """The queues of one actor; ``[...]`` takes names that are no identifiers. Raises ``UnknownQueue``."""

    __slots__ = ("_handle",)

    def __init__(self, handle: Handle[Any]) -> None:
        self._handle = handle

    def __getitem__(self, name: str) -> HandleQueue:
        return HandleQueue(self._handle, resolve_queue(self._handle.actor_class, name))

    def __getattr__(self, name: str) -> HandleQueue:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __dir__(self) -> list[str]:
        return sorted(self._handle.actor_class.definition.queues)


class HandleQueue:
    """One queue of one actor: the handle's sending methods without their first argument."""

    __slots__ = ("_handle", "_queue")

    def __init__(self, handle: Handle[Any], queue: Queue[Any, Any]) -> None:
        self._handle = handle
        self._queue = queue

    def send(self, body: Any = None, **options: Any) -> Any:
        return self._handle.send(self._queue, body, **options)

    async def asend(self, body: Any = None, **options: Any) -> Any:
        return await self._handle.asend(self._queue, body, **options)

    def ask(
        self, body: Any = None, *, timeout: Duration | None = None, **options: Unpack[SendOptions]
    ) -> Any:
        return self._handle.ask(self._queue, body, timeout=timeout, **options)

    async def aask(
        self, body: Any = None, *, timeout: Duration | None = None, **options: Unpack[SendOptions]
    ) -> Any:
        return await self._handle.aask(self._queue, body, timeout=timeout, **options)

    def send_many(
        self,
        bodies: Iterable[Mapping[str, Any] | Any],
        *,
        progress: Progress | None = None,
        **options: Unpack[SendOptions],
    ) -> list[Receipt]:
        return self._handle.send_many(self._queue, bodies, progress=progress, **options)

    async def asend_many(
        self,
        bodies: Iterable[Mapping[str, Any] | Any],
        *,
        progress: Progress | None = None,
        **options: Unpack[SendOptions],
    ) -> list[Receipt]:
        return await self._handle.asend_many(self._queue, bodies, progress=progress, **options)
