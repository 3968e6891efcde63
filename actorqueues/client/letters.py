from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actorqueues.models import DeadLetter


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message that will not be tried again by itself. ``body`` is plain JSON: it may not fit any more."""

    id: str
    queue: str
    body: Any
    reason: str  # "rejected", "exhausted", "crashed", "invalid", "expired" or "buried"
    error: str | None
    failures: int
    crashes: int
    user_id: str | None
    enqueued_at: datetime
    died_at: datetime

    @classmethod
    def of(cls, letter: DeadLetter) -> DeadMessage:
        return cls(
            id=letter.uid.hex,
            queue=letter.queue,
            body=None if letter.body is None else json.loads(letter.body),
            reason=letter.reason,
            error=letter.error,
            failures=letter.failures,
            crashes=letter.crashes,
            user_id=letter.user_id,
            enqueued_at=letter.enqueued_at,
            died_at=letter.died_at,
        )
