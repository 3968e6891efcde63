from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

LOCK_WAIT = (
    5.0  # seconds a sender waits for an equal key, or the same new actor, in somebody's open transaction
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way into the store: validated, serialised, complete.

    ``meta`` is JSON text with the keys ``headers``, ``params``, ``chain`` and ``keys``, each only when
    there is something in it, or None.
    """

    uid: UUID
    actor_id: UUID
    actor_type: str
    actor_key: str  # as it is stored
    queue: str
    body: str | None = None  # JSON text
    user_id: str | None = None
    meta: str | None = None
    keeps_outcome: bool = False
    delay: float | None = None  # seconds
    scheduled_at: datetime | None = None
    expires_in: float | None = None  # seconds
    expires_at: datetime | None = None
    dedupe: UUID | None = None
    dedupe_window: float = 0.0  # seconds
    idempotency: UUID | None = None
    fingerprint: str = ""  # of the body, for the idempotency key
    repeated: bool = False  # its uid is derived: a retry of the delivery sends it again under the same one
    requires_actor: bool = False  # only to an actor that is there
    generation: int | None = None  # only to this generation of it
    input: str | None = None  # JSON text: makes the actor's row when there is none

    @property
    def has_keys(self) -> bool:
        return self.dedupe is not None or self.idempotency is not None or self.repeated


class Stored(NamedTuple):
    """Under which id a message is stored: its own, or that of the first one with the same key."""

    uid: UUID
    deduplicated: bool
