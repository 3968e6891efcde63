"""The depth of mailboxes, without counting for every send."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from uuid import UUID

from django.db import connections

from actorqueues.exceptions import QueueFull
from actorqueues.storage.dialects import dialect_for

CREDIT_LIFE = 1.0  # seconds
MOST_CREDIT = 256  # sends
REFUSAL_LIFE = 0.1  # seconds; a full mailbox must not make every refused send count again
MOST_ENTRIES = 10_000

Place = tuple[str, UUID, str]  # database, actor, queue


@dataclass(slots=True)
class Entry:
    credit: int  # sends that may go without counting
    until: float
    full: bool = False


class DepthGauge:
    """Counts exactly (up to the limit) now and then, and lends out a quarter of the room that was left.

    Other processes and open transactions may overshoot the limit by what they were lent.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Place, Entry] = {}

    def take(self, place: Place, count: int) -> bool:
        """Whether ``count`` sends go on credit. No I/O."""
        with self._lock:
            entry = self._entries.get(place)
            if entry is None or entry.credit < count or entry.until < time.monotonic():
                return False
            entry.credit -= count
            return True

    def check(self, place: Place, count: int, limit: int) -> None:
        """Makes room for ``count`` sends. Raises ``QueueFull``. Reads the database if there is no credit."""
        if self.take(place, count):
            return
        using, actor_id, queue = place
        if not self._refused(place):
            depth = dialect_for(using).count_depth(connections[using], actor_id, queue, limit)
            room = limit - depth
            self._enter(place, room, count)
            if count <= room:
                return
        raise QueueFull(limit=limit, queue=queue)

    def forget(self) -> None:
        with self._lock:
            self._entries.clear()

    def _refused(self, place: Place) -> bool:
        with self._lock:
            entry = self._entries.get(place)
            return entry is not None and entry.full and entry.until >= time.monotonic()

    def _enter(self, place: Place, room: int, count: int) -> None:
        now = time.monotonic()
        if room > 0:
            entry = Entry(min(max(0, room - count) // 4, MOST_CREDIT), now + CREDIT_LIFE)
        else:
            entry = Entry(0, now + REFUSAL_LIFE, full=True)
        with self._lock:
            if len(self._entries) >= MOST_ENTRIES:
                self._entries = {place: entry for place, entry in self._entries.items() if entry.until >= now}
                if len(self._entries) >= MOST_ENTRIES:
                    self._entries.clear()
            self._entries[place] = entry


gauge = DepthGauge()
