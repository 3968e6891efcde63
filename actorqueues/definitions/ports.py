"""What the classes of this package get from above: ``apps.ready`` sets ``clients``, a worker binds each actor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from actorqueues.client.handle import Handle
    from actorqueues.definitions.abort import AbortSignal
    from actorqueues.definitions.actor import Actor
    from actorqueues.definitions.keys import Key
    from actorqueues.definitions.queue import Queue
    from actorqueues.mailbox.message import Message
    from actorqueues.storage.sending import Outgoing

A = TypeVar("A", bound="Actor[Any]")


class ReceiverPort(Protocol):
    async def receive(
        self,
        queues: Sequence[Queue[Any, Any]] | None,
        *,
        count: int,
        timeout: float | None,
        signal: AbortSignal | None,
        completable: bool,
    ) -> list[Message[Any, Any]]:
        """Up to ``count`` messages, as soon as there is one; [] after ``timeout`` (seconds, None for ever).

        ``queues`` None means all. Raises ``ActorAborted`` when the actor or ``signal`` is aborted.
        """
        ...


class ActivationPort(Protocol):
    """What an ``Actor`` instance is bound to."""

    state: Any

    @property
    def actor_id(self) -> UUID: ...
    @property
    def generation(self) -> int: ...
    @property
    def key(self) -> tuple[str, ...]: ...
    @property
    def vars(self) -> SimpleNamespace: ...
    @property
    def abort_signal(self) -> AbortSignal: ...
    @property
    def receiver(self) -> ReceiverPort: ...
    def broadcast(
        self,
        event: str,
        data: Any,
        *,
        live: bool = False,
        transient: bool = False,
        to_user: str | None = None,
    ) -> None: ...
    def keep_awake(self) -> AbstractContextManager[None]: ...
    async def save_state(self) -> None: ...
    def destroy(self) -> None: ...
    async def serve_handlers(self) -> None: ...
    def watch(
        self, queues: Sequence[Queue[Any, Any]], stale: Literal["drop", "fire"]
    ) -> AbstractAsyncContextManager[AbortSignal]: ...


class DeliveryPort(Protocol):
    """The message being handled by this task."""

    @property
    def message(self) -> Any: ...
    @property
    def actor_id(self) -> UUID: ...
    @property
    def actor_type(self) -> str: ...
    @property
    def user_id(self) -> str | None: ...
    @property
    def waiting_chain(self) -> tuple[str, ...]:
        """``type/key`` of the actors that wait for this one, ending with this one."""
        ...

    @property
    def in_atomic(self) -> bool:
        """Inside ``message.atomic()``: sends join that transaction."""
        ...

    def buffer_send(self, outgoing: Sequence[Outgoing]) -> None:
        """Thread safe, no I/O; commits with the delivery."""
        ...

    def next_call_number(self) -> int:
        """1, 2, … for sends that leave at once."""
        ...

    def lend_lane(self) -> AbstractContextManager[None]:
        """While blocking for a reply in a lane."""
        ...


class Clients(Protocol):
    """Makes handles, and does what class methods of actors do in the database."""

    def handle(self, actor_class: type[A], key: Key, *, create: bool, input: Any = None) -> Handle[A]: ...
    def handle_for_id(self, actor_class: type[A], id: str) -> Handle[A]: ...
    def create(self, actor_class: type[A], key: Key, *, input: Any = None) -> Handle[A]: ...
    async def acreate(self, actor_class: type[A], key: Key, *, input: Any = None) -> Handle[A]: ...

    # Of a whole type, one of its queues, or one actor.
    def pause(self, actor_class: type[Any], *, queue: str | None = None, key: Key | None = None) -> None: ...
    async def apause(
        self, actor_class: type[Any], *, queue: str | None = None, key: Key | None = None
    ) -> None: ...
    def resume(self, actor_class: type[Any], *, queue: str | None = None, key: Key | None = None) -> None: ...
    async def aresume(
        self, actor_class: type[Any], *, queue: str | None = None, key: Key | None = None
    ) -> None: ...


class _NoClients:
    def __getattr__(self, name: str) -> Any:
        raise ImproperlyConfigured(
            'Add "actorqueues" to INSTALLED_APPS, and let Django set itself up before you use actors.'
        )


clients: Clients = _NoClients()
