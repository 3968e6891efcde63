"""What this process commits, counted where it commits."""

import threading
import time
from collections.abc import Callable
from typing import Any

from actorqueues.mailbox import atomic
from actorqueues.runtime import journal
from actorqueues.storage.operations import Settle


class Meter:
    """Stands in front of the two functions that settle: the journal's, and that of atomic steps.

    Handlers would be a bad place to count: they run ahead of their commits.
    """

    def __init__(self, enough: float, on_first: Callable[[], Any], on_enough: Callable[[], Any]) -> None:
        self.enough, self.on_first, self.on_enough = enough, on_first, on_enough
        self.commits = self.settled = 0
        self.first_at: float | None = None
        self.last_at, self.last_cpu = time.monotonic(), time.process_time()
        self.lock = threading.Lock()
        self.inner_batch, self.inner_step = journal.commit_batch, atomic.commit_step
        journal.commit_batch, atomic.commit_step = self.commit_batch, self.commit_step

    def commit_batch(self, worker_id: Any, sequence: int, chains: Any, **options: Any) -> Any:
        results = self.inner_batch(worker_id, sequence, chains, **options)
        steps = (
            step
            for chain, result in zip(chains, results, strict=True)
            for step in chain.steps[: result.applied]
        )
        settled = sum(isinstance(operation, Settle) for step in steps for operation in step)
        self.count(settled)
        return results

    def commit_step(self, *arguments: Any, **options: Any) -> None:
        """An atomic step: its transaction commits right after, in the handler's own lane."""
        self.inner_step(*arguments, **options)
        self.count(1)

    def count(self, settled: int) -> None:
        with self.lock:
            if self.settled >= self.enough:
                return
            self.commits += 1
            if settled:
                self.settled += settled
                self.last_at, self.last_cpu = time.monotonic(), time.process_time()
        if settled and self.first_at is None:
            self.first_at = self.last_at
            self.on_first()
        if self.settled >= self.enough:
            self.on_enough()
