from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context
from dataclasses import dataclass, field
from uuid import UUID

from actorqueues.storage.outcomes import StoredOutcome, read_outcomes


@dataclass(eq=False)
class Waiter:
    """Somebody who waits for the outcome of a message while the actors run."""

    uid: UUID
    until: float
    future: Future[StoredOutcome | None] = field(default_factory=Future)

    def answer(self, outcome: StoredOutcome | None) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(outcome)


class Waiters:
    """Those who wait, in the order in which they began."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.waiting: list[Waiter] = []

    def add(self, uid: UUID, timeout: float) -> Waiter:
        waiter = Waiter(uid, time.monotonic() + timeout)
        self.waiting.append(waiter)
        return waiter

    def answer_settled(self) -> bool:
        """Whether there was an outcome for anybody."""
        if not self.waiting:
            return False
        uids = [waiter.uid for waiter in self.waiting]
        found = Context().run(read_outcomes, uids, using=self.using)
        return self.answer(lambda waiter: waiter.uid in found, found)

    def answer_late(self) -> bool:
        now = time.monotonic()
        return self.answer(lambda waiter: waiter.until <= now)

    def answer_latest(self) -> bool:
        """Nothing is due any more. The last to begin goes on first: the others may wait for what it does then."""
        return self.answer(lambda waiter: waiter is self.waiting[-1])

    def answer(
        self, chosen: Callable[[Waiter], bool], outcomes: dict[UUID, StoredOutcome] | None = None
    ) -> bool:
        answered = [waiter for waiter in list(self.waiting) if chosen(waiter)]
        self.waiting = [waiter for waiter in self.waiting if waiter not in answered]
        for waiter in answered:
            waiter.answer((outcomes or {}).get(waiter.uid))
        return bool(answered)
