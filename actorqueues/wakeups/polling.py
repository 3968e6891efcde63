"""No wake-ups at all, for databases behind a transaction-mode pooler: a look each poll interval."""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

from actorqueues.conf import settings

Hint = tuple[str, list[UUID] | None]


class PollingSource:
    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = list(topics)
        self._next = time.monotonic() + settings.POLL_INTERVAL

    def wait(self, seconds: float) -> list[Hint]:
        """A hint for every topic when the interval is over; nothing within ``seconds`` before that."""
        left = self._next - time.monotonic()
        if left > seconds:
            time.sleep(seconds)
            return []
        time.sleep(max(0.0, left))
        self._next = time.monotonic() + settings.POLL_INTERVAL
        return [(topic, None) for topic in self._topics]

    def close(self) -> None:
        pass
