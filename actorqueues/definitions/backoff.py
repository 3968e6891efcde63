"""How long a failed message waits before its next attempt."""

import random
from dataclasses import dataclass

from actorqueues.durations import Duration, seconds


@dataclass(frozen=True)
class Backoff:
    """Waits of ``first``, ``first * factor``, ``first * factor**2`` …, never over ``cap``.

    ``first`` and ``cap`` are seconds or ``timedelta``. ``jitter`` (0 to 1) is the share of a wait that is
    random: 0.2 waits between 80 and 120 %, within ``cap``. Raises ``TypeError`` or ``ValueError`` for
    anything else.
    """

    first: Duration = 1
    factor: float = 2
    cap: Duration = 300
    jitter: float = 0

    def __post_init__(self) -> None:
        seconds(self.first, "Backoff.first")
        seconds(self.cap, "Backoff.cap")
        if not self.factor >= 1:
            raise ValueError(f"Backoff.factor must be 1 or more, not {self.factor!r}.")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"Backoff.jitter must be between 0 and 1, not {self.jitter!r}.")

    def delay(self, attempt: int) -> float:
        """Seconds to wait after failed attempt number ``attempt`` (1 is the first)."""
        cap = seconds(self.cap)
        try:
            wait = min(cap, seconds(self.first) * float(self.factor) ** max(0, attempt - 1))
        except OverflowError:
            wait = cap
        if self.jitter:
            wait = min(cap, wait * (1 + self.jitter * random.uniform(-1, 1)))
        return wait
