"""``Actor``: what users subclass."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, cast

from typing_extensions import TypeVar

from actorqueues.definitions import ports
from actorqueues.definitions.context import current_delivery
from actorqueues.definitions.definition import ActorDefinition, define
from actorqueues.definitions.guards import Guards
from actorqueues.definitions.keys import Key, public_id
from actorqueues.definitions.marks import UNSET
from actorqueues.definitions.members import check_members
from actorqueues.definitions.names import check_name, check_type_name, snake_case
from actorqueues.definitions.problems import DefinitionInvalid, Problem
from actorqueues.definitions.receiving import AnyQueue, Mailboxes, resolve_queues
from actorqueues.definitions.registry import registry
from actorqueues.exceptions import NotActivated, OperationRefused

if TYPE_CHECKING:
    from actorqueues.client.handle import Handle
    from actorqueues.definitions.abort import AbortSignal
    from actorqueues.definitions.ports import ActivationPort

S = TypeVar("S", default=dict[str, Any])


class _DefinitionOfClass:
    def __get__(self, instance: object, owner: type[Actor[Any]]) -> ActorDefinition:
        definition = owner.__dict__.get("_definition")
        if definition is None:
            if owner.abstract:
                problem = f"{owner.__name__} is abstract: it has no actors of its own."
                raise DefinitionInvalid(Problem("E017", problem, "Use a subclass of it.", owner))
            definition = owner._definition = define(owner, Actor)
        return definition


class Actor(Guards, Generic[S]):
    """A durable object with a key, a state and a mailbox. Subclass it in an app's ``actors.py``.

    ``type_name``: the name in the database, else the class name in snake case.
    ``abstract = True``: a base class without actors of its own (not inherited).
    ``initial_state``: a dict, a model or a callable without arguments; else ``S()``.
    ``sleep_after``: seconds or ``timedelta`` (``math.inf`` for never), else the setting.
    ``exposed``: True, or what may be reached from outside: queues and actions (by reference or name),
    ``"state"``, ``"events"``. Who may reach it: ``permission_classes`` and the hooks ``can_…``.
    """

    _is_base_actor: ClassVar[bool] = True
    _definition: ClassVar[ActorDefinition | None] = None
    _port: ActivationPort | None = None

    abstract: ClassVar[bool] = True
    type_name: ClassVar[str] = ""
    exposed: ClassVar[bool | Iterable[Any]] = False
    initial_state: ClassVar[Any] = UNSET
    sleep_after: ClassVar[float | timedelta | None] = None
    definition: ClassVar[_DefinitionOfClass] = _DefinitionOfClass()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.abstract = bool(cls.__dict__.get("abstract", False))
        type_name = cls.__dict__.get("type_name") or snake_case(cls.__name__)
        cls.type_name = check_type_name(type_name, cls.__name__)
        check_members(cls, Actor)
        if not cls.abstract:
            registry.register(cls)

    @classmethod
    def _activated(cls, port: ActivationPort) -> Self:
        """An instance bound to an activation (or to a read-only port) before its ``__init__`` runs."""
        actor = cls.__new__(cls)
        actor._port = port
        actor.__init__()  # type: ignore[misc]
        return actor

    @property
    def _activation(self) -> ActivationPort:
        if self._port is None:
            name = type(self).__name__
            raise NotActivated(name=sys._getframe(1).f_code.co_name, actor_class=name)
        return self._port

    def __repr__(self) -> str:
        key = "not activated" if self._port is None else "/".join(self._port.key)
        return f"<{type(self).__name__} {key}>"

    # Handles, on the class

    @classmethod
    def get(cls, key: Key) -> Handle[Self]:
        """A handle to an actor that should exist. No query yet.

        Raises ``KeyInvalid``; the handle's operations raise ``ActorNotFound`` where there is no such actor.
        """
        return ports.clients.handle(cls, key, create=False)

    @classmethod
    def get_or_create(cls, key: Key, input: Any = None) -> Handle[Self]:
        """A handle to an actor that comes into being with its first message. No query yet.

        ``input`` (JSON) is given to ``on_create`` if this makes it. Raises ``KeyInvalid``.
        """
        return ports.clients.handle(cls, key, create=True, input=input)

    @classmethod
    def get_for_id(cls, id: str) -> Handle[Self]:
        """A handle to one life of an actor, by its ``id``. Raises ``ActorNotFound`` for other text."""
        return ports.clients.handle_for_id(cls, id)

    @classmethod
    def create(cls, key: Key, input: Any = None) -> Handle[Self]:
        """Make an actor now. Raises ``ActorExists`` if there is one, ``KeyInvalid``."""
        return ports.clients.create(cls, key, input=input)

    @classmethod
    async def acreate(cls, key: Key, input: Any = None) -> Handle[Self]:
        return await ports.clients.acreate(cls, key, input=input)

    @classmethod
    def pause(cls) -> None:
        """Deliver nothing to any actor of this type until ``resume``. Sending goes on."""
        ports.clients.pause(cls)

    @classmethod
    async def apause(cls) -> None:
        await ports.clients.apause(cls)

    @classmethod
    def resume(cls) -> None:
        """Ends ``pause``."""
        ports.clients.resume(cls)

    @classmethod
    async def aresume(cls) -> None:
        await ports.clients.aresume(cls)

    # The actor itself

    @property
    def state(self) -> S:
        """The actor's document. What it holds when a message settles is stored with that."""
        return cast(S, self._activation.state)

    @state.setter
    def state(self, value: S) -> None:
        self._activation.state = value

    @property
    def vars(self) -> SimpleNamespace:
        """Attributes that last as long as this activation and are never stored."""
        return self._activation.vars

    @property
    def key(self) -> tuple[str, ...]:
        return self._activation.key

    @property
    def id(self) -> str:
        """The public id of this life of the actor: another one after it was destroyed and made anew."""
        port = self._activation
        return public_id(port.actor_id, port.generation)

    @property
    def abort_signal(self) -> AbortSignal:
        """Aborted when the actor has to stop: shutdown, sleep, pause, destroy, a lost lease."""
        return self._activation.abort_signal

    @property
    def aborted(self) -> bool:
        return self._activation.abort_signal.aborted

    @property
    def queue(self) -> Mailboxes:
        """Receive from several queues at once, or from all."""
        return Mailboxes(self)

    # Hooks: plain or async

    def on_create(self, input: Any) -> Any:
        """Once in the life of an actor, before its first message; commits with the state."""

    def on_wake(self) -> Any:
        """Whenever the actor is loaded, before ``run``."""

    def on_sleep(self) -> Any:
        """Before the actor leaves memory: sleep, pause, a stopping worker."""

    def on_destroy(self) -> Any:
        """Once, before the actor and its messages are removed."""

    def on_error(self, error: BaseException) -> Any:
        """After a failed attempt; its state changes are discarded already."""

    def upgrade_state(self, raw: Any) -> Any:
        """Given stored state that no longer loads (parsed JSON), return what fits. May be a class method.

        It runs before the actor is activated: no key, no state, no queries.
        """
        return raw

    def run(self) -> Coroutine[Any, Any, None]:
        """The actor's life while it is awake: serves the handlers. Override it with ``async def``."""
        return self.serve_handlers()

    async def serve_handlers(self) -> None:
        """Receive messages and give them to their handlers, until the actor stops."""
        await self._activation.serve_handlers()

    # Operations

    def watch(
        self, *queues: AnyQueue, stale: Literal["drop", "fire"] = "drop"
    ) -> AbstractAsyncContextManager[AbortSignal]:
        """``async with self.watch(self.stop) as signal``: a message in these queues aborts the signal.

        They are received and settled while the block runs. Those older than the delivery in hand are settled
        unseen; ``stale="fire"`` lets them abort too. Raises ``UnknownQueue``, ``ValueError``.
        """
        watched = resolve_queues(self, queues)
        if watched is None:
            raise ValueError("watch() needs at least one queue.")
        if stale not in ("drop", "fire"):
            raise ValueError(f'stale must be "drop" or "fire", not {stale!r}.')
        return self._activation.watch(watched, stale)

    def broadcast(
        self,
        event: str,
        data: Any = None,
        *,
        live: bool = False,
        transient: bool = False,
        to_user: Any = None,
    ) -> None:
        """Tell subscribers. Commits with the delivery; ``live``: at once, and stays if the attempt fails.

        ``transient``: at once, without a number, for who listens now. ``data``: JSON. ``to_user``: only this user (an
        id, or an object with a ``pk``). Raises ``TypeError`` for a name that is none and for what JSON does not know,
        ``ValueError`` for NaN.
        """
        user = None if to_user is None else str(getattr(to_user, "pk", to_user))
        self._activation.broadcast(
            check_name(event, "event"), data, live=live, transient=transient, to_user=user
        )

    def notify_user(self, event: str, data: Any = None, user: Any = None) -> None:
        """``broadcast`` to one user: the sender of the message in hand, or ``user``.

        Raises ``OperationRefused`` when there is neither.
        """
        if user is None:
            delivery = current_delivery.get()
            user = delivery.user_id if delivery is not None else None
        if user is None:
            reason = "no message with a user is in hand; pass user=."
            raise OperationRefused(operation="notify_user()", reason=reason)
        self.broadcast(event, data, to_user=user)

    async def save_state(self) -> None:
        """Commit the state now, with what was sent and broadcast so far in this delivery."""
        await self._activation.save_state()

    def keep_awake(self) -> AbstractContextManager[None]:
        """``with self.keep_awake():`` the actor is not put to sleep meanwhile."""
        return self._activation.keep_awake()

    def destroy(self) -> None:
        """Mark the actor as destroyed: it is stopped, ``on_destroy`` runs, its messages go."""
        self._activation.destroy()
