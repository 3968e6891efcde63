"""One of a kind for each database in a process, such as the thread that waits for replies."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class PerDatabase(Generic[T]):
    """``hub_of = PerDatabase(ReplyHub)``: then ``hub_of(using)`` makes it once, whichever thread asks first."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self.make = make
        self.start_anew()
        # A forked child has what the parent made, but none of its threads; and a lock that another thread
        # of the parent held at that moment would never be released there.
        os.register_at_fork(after_in_child=self.start_anew)

    def start_anew(self) -> None:
        self.made: dict[str, T] = {}
        self.making = threading.Lock()

    def __call__(self, using: str) -> T:
        try:
            return self.made[using]
        except KeyError:
            with self.making:
                if using not in self.made:
                    self.made[using] = self.make(using)
                return self.made[using]

    def __iter__(self) -> Iterator[T]:
        return iter(list(self.made.values()))
