"""What a receiver stands on. The runtime's activation provides it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from actorqueues.definitions.abort import AbortSignal
    from actorqueues.definitions.actor import Actor
    from actorqueues.mailbox.delivery import Delivery
    from actorqueues.storage.dialects import Head
    from actorqueues.storage.operations import Chain, Emission, Operation, Step

T = TypeVar("T")


class OperationChain(Protocol):
    """The way to the journal: each submission is a step that commits whole, in order, or fails with all after it."""

    @property
    def may_run_ahead(self) -> bool:
        """Whether the next message may begin although steps are not durable yet."""
        ...

    def submit(self, *operations: Operation) -> int:
        """Hands a step over and returns its position. Raises what made the chain fail."""
        ...

    def then(self, position: int, callback: Callable[[], None]) -> None:
        """Calls back on the loop when everything up to ``position`` is durable."""
        ...

    async def durable(self, position: int | None = None) -> None:
        """Waits until everything up to ``position`` (None: all submitted) is durable."""
        ...

    async def hold(self) -> Chain:
        """Waits until all is durable, then keeps back what comes: an ``atomic`` block commits by itself."""
        ...

    def resume(self) -> None:
        """Ends ``hold``."""
        ...


class Ground(Protocol):
    actor: Actor[Any]
    actor_id: UUID
    actor_type: str
    address: str  # "type/key"
    log_fields: dict[str, str]  # worker_id, actor_type, actor_key
    key: tuple[str, ...]
    loop: AbstractEventLoop
    using: str
    lease: float  # seconds
    abort_signal: AbortSignal

    @property
    def chain(self) -> OperationChain: ...
    def now(self) -> datetime:
        """The database's clock, as estimated since the last read."""
        ...

    def changed_state(self) -> str | None:
        """The state as it would be stored, if it differs from what was submitted last; it counts as submitted then."""
        ...

    def restore_state(self) -> None:
        """Back to what was submitted last."""
        ...

    def number(self, emissions: list[Emission], *, apart: bool = False) -> list[Emission]:
        """With their numbers. ``apart``: of the step that the chain is held for."""
        ...

    def end_hold(self) -> None:
        """What was kept back while the chain was held goes on."""
        ...

    def emit_now(self, emission: Emission) -> None:
        """Numbers and commits an event without waiting for the delivery."""
        ...

    def is_paused(self, queue: str) -> bool: ...
    def end_if_leaving(self) -> None:
        """Between two messages is the time for an actor that is left to another worker: its signal is aborted."""
        ...

    def request_mail(self) -> None: ...
    async def fetch_mail(self) -> None: ...
    def receiver_waits(self) -> None:
        """A receive without a time limit waits now: perhaps all of the actor does."""
        ...

    def tell(self, signal: str, head: Head, **details: Any) -> None:
        """Sends one of the Django signals, in a lane, if anybody listens."""
        ...

    def forget_submission(self, step: Step) -> None:
        """A step that was to commit by itself was not stored after all."""
        ...

    def announce_settled(self, delivery: Delivery) -> None:
        """Hints for a settlement that did not go through the journal."""
        ...

    def call_from_lane(self, function: Callable[[], Awaitable[T]]) -> T:
        """Runs a coroutine function on the activation's loop and waits for it, from a lane."""
        ...

    def lend_lane(self) -> AbstractContextManager[None]: ...
