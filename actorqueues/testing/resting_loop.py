"""An event loop that tells when it is about to block because it has nothing to do."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable

NEAR = 10.0  # seconds; what is further away is a time limit, nothing that a test waits for


class TellingSelector(selectors.DefaultSelector):
    """A loop asks its selector to wait only when no callback is ready: nothing more exact tells that it rests."""

    def __init__(self, on_rest: Callable[[], None]) -> None:
        super().__init__()
        self.on_rest = on_rest
        self.next_timer = 0.0  # seconds from the moment at which the loop blocked

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self.next_timer = math.inf if timeout is None else timeout
            self.on_rest()
        return super().select(timeout)

    @property
    def expects_nothing(self) -> bool:
        """No connection is open but the loop's own, and no timer is near."""
        return len(self.get_map()) <= 1 and self.next_timer > NEAR


class RestingLoop(asyncio.SelectorEventLoop):
    """``on_rest`` is called on the loop's thread; what it wants done it asks for with ``call_soon_threadsafe``."""

    def __init__(self, on_rest: Callable[[], None]) -> None:
        self.telling = TellingSelector(on_rest)
        super().__init__(self.telling)
