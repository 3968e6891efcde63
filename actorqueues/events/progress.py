from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from actorqueues.storage.operations import Emission

if TYPE_CHECKING:
    from actorqueues.mailbox.delivery import Delivery

INTERVAL = 0.1  # seconds between two progress events of one message
PROGRESS = "progress"


class Progress:
    """Reports of one delivery: they commit at once, carry the attempt, survive a failure."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.lock = threading.Lock()
        self.latest: dict[str, Any] | None = None
        self.scheduled = False

    def report(self, done: float, total: float | None, note: str) -> None:
        """From any thread. The first goes at once, then the latest every tenth of a second; the last always goes."""
        values = {"done": done, "total": total, "note": note, "attempt": self.delivery.attempt}
        json.dumps(values, allow_nan=False)
        with self.lock:
            self.latest = values
            if self.scheduled:
                return
            self.scheduled = True
        self.delivery.receiver.ground.loop.call_soon_threadsafe(self.flush)

    def flush(self) -> None:
        """On the loop: what is latest leaves, and again after the interval if more came."""
        if self.delivery.in_atomic:  # nothing can leave now; the settlement takes the last one along
            self.delivery.receiver.ground.loop.call_later(INTERVAL, self.flush)
            return
        emission = self.take()
        if emission is None:
            self.scheduled = False
            return
        if self.delivery.is_open:
            ground = self.delivery.receiver.ground
            ground.emit_now(emission)
            ground.loop.call_later(INTERVAL, self.flush)

    def take(self) -> Emission | None:
        """The report that has not left yet: the settlement takes it along, so that it comes before the end."""
        with self.lock:
            values, self.latest = self.latest, None
        if values is None:
            return None
        head = self.delivery.head
        return Emission(None, PROGRESS, json.dumps(values), head.uid, head.user_id)
