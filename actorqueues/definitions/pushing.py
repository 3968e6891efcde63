"""The fluent way to send: ``Counter.increment.group(key).dedupe(key).push(body)``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from actorqueues.definitions import ports
from actorqueues.definitions.keys import KeyPart, normalise_key
from actorqueues.exceptions import KeyInvalid

if TYPE_CHECKING:
    from actorqueues.client.handle import Handle
    from actorqueues.client.options import SendOptions
    from actorqueues.client.receipts import Receipt
    from actorqueues.definitions.queue import Queue

B = TypeVar("B")
R = TypeVar("R")


@dataclass(frozen=True)
class Push(Generic[B, R]):
    """A message on its way: immutable, each step gives a new one."""

    queue: Queue[B, R]
    key: tuple[KeyPart, ...]
    options: SendOptions = field(default_factory=dict)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if not self.key:
            raise KeyInvalid("group() needs the key of an actor.")
        normalise_key(self.key)

    def dedupe(self, *key: KeyPart) -> Push[B, R]:
        """Send nothing if a message with this key went to this queue of this actor a moment ago."""
        return replace(self, options={"dedupe": normalise_key(key)})

    @overload
    def push(self: Push[None, R]) -> Receipt: ...
    @overload
    def push(self, body: B | Mapping[str, Any]) -> Receipt: ...
    def push(self, body: Any = None) -> Receipt:
        """Store the message. Raises what ``Handle.send`` raises."""
        return self._handle().send(self.queue, body, **self.options)

    @overload
    async def apush(self: Push[None, R]) -> Receipt: ...
    @overload
    async def apush(self, body: B | Mapping[str, Any]) -> Receipt: ...
    async def apush(self, body: Any = None) -> Receipt:
        return await self._handle().asend(self.queue, body, **self.options)

    def _handle(self) -> Handle[Any]:
        return ports.clients.handle(self.queue.owner, self.key, create=True)
