from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from actorqueues.runtime.activation import Activation


class Promotion:
    """When the holder puts its actor's next scheduled message into the mailbox: with the read at that time."""

    __slots__ = ("activation", "is_due", "timer")

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        self.is_due = True  # the first read looks whether there is one
        self.timer: TimerHandle | None = None

    def plan(self, first: datetime | None) -> None:
        """A read has promoted what was due; ``first`` is the next one's time."""
        self.is_due = False
        self.cancel()
        if first is not None:
            wait = max(0.0, (first - self.activation.now()).total_seconds())
            self.timer = self.activation.loop.call_later(wait + 0.001, self.promote)

    def promote(self) -> None:
        self.is_due = True
        self.activation.look_again()

    def cancel(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
