"""Actions: run here, in the caller's process, on an actor's last committed state."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, Literal
from uuid import UUID

from asgiref.sync import async_to_sync

from actorqueues.bridge import in_thread
from actorqueues.client.operating import exists
from actorqueues.client.sending import safe_action
from actorqueues.client.targets import Target
from actorqueues.definitions.abort import AbortSignal
from actorqueues.definitions.action import Action
from actorqueues.definitions.names import suggestion
from actorqueues.events.publishing import tell_listeners
from actorqueues.exceptions import (
    ActionNotFound,
    OperationRefused,
    StateInvalid,
    StateNotSerializable,
    StateReadOnly,
)
from actorqueues.storage.events import store_transient_events
from actorqueues.storage.operations import Emission


class ReadOnlyPort:
    """What the actor of an action is bound to: its key and a copy of its state; it changes nothing."""

    def __init__(self, target: Target, generation: int, state: Any) -> None:
        self.actor_id: UUID = target.actor_id
        self.generation = generation
        self.key = target.parts
        self.vars = SimpleNamespace()
        self.abort_signal = AbortSignal()
        self.events: list[tuple[str, str, str | None]] = []
        self._state = state

    @property
    def state(self) -> Any:
        return self._state

    @state.setter
    def state(self, value: Any) -> None:
        raise StateReadOnly()

    @property
    def receiver(self) -> Any:
        raise refused("receiving")

    def broadcast(
        self,
        event: str,
        data: Any,
        *,
        live: bool = False,
        transient: bool = False,
        to_user: str | None = None,
    ) -> None:
        """From outside an activation every event is a transient one; it leaves when the action returns."""
        self.events.append((event, json.dumps(data, allow_nan=False), to_user))

    def keep_awake(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def save_state(self) -> None:
        raise StateReadOnly()

    def destroy(self) -> None:
        raise refused("destroy()")

    async def serve_handlers(self) -> None:
        raise refused("serve_handlers()")

    def watch(self, queues: Any, stale: Literal["drop", "fire"]) -> AbstractAsyncContextManager[AbortSignal]:
        raise refused("watch()")


def refused(operation: str) -> OperationRefused:
    return OperationRefused(operation=operation, reason="an action only reads. Send a message")


class Reading:
    """One call of an action: the actor as it is stored, and the check that it was only read."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.states = target.actor_class.definition.state
        row = target.row()
        if row is None and target.must_exist and not exists(target):
            raise target.not_found()
        stored = None if row is None else row.state
        state = (
            self.states.initial()
            if stored is None
            else self.states.load(stored, target.actor_class.definition.upgrade)
        )
        self.before = self.states.dump(state)
        self.port = ReadOnlyPort(target, 1 if row is None else row.generation, state)
        self.actor = target.actor_class._activated(self.port)

    def finish(self) -> None:
        """Raises ``StateReadOnly`` when the state has changed."""
        try:
            unchanged = self.states.dump(self.port.state) == self.before
        except (StateInvalid, StateNotSerializable):
            unchanged = False
        if not unchanged:
            raise StateReadOnly()
        if self.port.events:
            port, using = self.port, self.target.using
            store_transient_events(port.actor_id, port.generation, port.events, using=using)
            told = [Emission(None, name, data, None, user_id) for name, data, user_id in port.events]
            tell_listeners(((port.actor_id, one) for one in told), using=using)


def find_action(target: Target, reference: Action[..., Any] | str) -> Action[..., Any]:
    """Raises ``ActionNotFound``, with the nearest name."""
    actions = target.actor_class.definition.actions
    name = reference if isinstance(reference, str) else reference.name
    if name not in actions:
        raise ActionNotFound(actor_type=target.type_name, name=name, suggestion=suggestion(name, actions))
    return actions[name]


@contextmanager
def reads_only(action: Action[..., Any]) -> Iterator[None]:
    token = safe_action.set(action.name) if action.safe else None
    try:
        yield
    finally:
        if token is not None:
            safe_action.reset(token)


def call(target: Target, action: Action[..., Any], *args: Any, **kwargs: Any) -> Any:
    reading = Reading(target)
    function: Callable[..., Any] = async_to_sync(action.function) if action.is_async else action.function
    with reads_only(action):
        result = function(reading.actor, *args, **kwargs)
    reading.finish()
    return result


async def acall(target: Target, action: Action[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not action.is_async:
        return await in_thread(call, target, action, *args, **kwargs)
    reading = await in_thread(Reading, target)
    with reads_only(action):
        coroutine: Coroutine[Any, Any, Any] = action.function(reading.actor, *args, **kwargs)
        result = await coroutine
    await in_thread(reading.finish)
    return result
