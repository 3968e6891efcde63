"""What an activation asks its journal to make durable. Complete when submitted: copied, validated, serialised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

if TYPE_CHECKING:
    from actorqueues.storage.dialects import Head
    from actorqueues.storage.sending import Outgoing


@dataclass(frozen=True, slots=True)
class Start:
    """Mark in flight. Refused when the message is no longer there (cancelled, expired, edited)."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Settle:
    """The message is done: its row goes; an outcome stays for who may ask."""

    head: Head
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Bury:
    """The message is given up: it goes to the dead letters, its sender gets ``failed``."""

    head: Head
    reason: str  # a DeathReason
    error: str
    failures: int
    crashes: int


ReturnCause = Literal["failed", "crashed", "uncounted"]


@dataclass(frozen=True, slots=True)
class Return:
    """The message goes back to its place in the queue, with the counts and the error that its head now has."""

    head: Head
    delay: float | None  # seconds until its next attempt; None is at once
    cause: ReturnCause


@dataclass(frozen=True, slots=True)
class SaveState:
    state: str


@dataclass(frozen=True, slots=True)
class Send:
    outgoing: Sequence[Outgoing]


@dataclass(frozen=True, slots=True)
class Emission:
    number: int | None
    name: str
    data: str
    message_uid: UUID | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Emit:
    events: Sequence[Emission]


@dataclass(frozen=True, slots=True)
class Initialise:
    """``on_create`` is done: its state is the actor's first."""

    state: str


@dataclass(frozen=True, slots=True)
class Release:
    """Gives the lease back. Always the last operation of its chain."""

    type: str
    queues: Sequence[str]  # whose heads decide when to wake: those this code knows
    held_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Destroy:
    """Removes the actor's messages, answers their waiters, leaves a tombstone. Always the last of its chain."""

    error: str


Operation = Start | Settle | Bury | Return | SaveState | Send | Emit | Initialise | Release | Destroy


Step = tuple[Operation, ...]  # what commits together or not at all


@dataclass(slots=True)
class Chain:
    """Steps of one activation, applied as a prefix: one refusal discards the rest."""

    actor_id: UUID
    generation: int
    epoch: int
    steps: list[Step] = field(default_factory=list)


ChainStatus = Literal["committed", "stale", "locked", "refused"]


@dataclass(slots=True)
class ChainResult:
    status: ChainStatus = "committed"
    applied: int = 0  # steps of the prefix that is durable
    repeats: list[str] = field(default_factory=list)  # ids of sends (of any chain) that were deduplicated
    reason: str = ""
    # By the database's clock. None: the answer was lost, and a second one told that the batch had committed.
    committed_at: datetime | None = field(default=None, compare=False)
