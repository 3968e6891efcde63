"""What the journal of this process commits, counted where it commits."""

import time
from collections.abc import Callable
from typing import Any

from actorqueues.runtime import journal
from actorqueues.storage.operations import Settle


class Meter:
    """Stands in front of the journal's one writing function.

    Handlers would be a bad place to count: they run ahead of their commits.
    """

    def __init__(self, enough: float, on_first: Callable[[], Any], on_enough: Callable[[], Any]) -> None:
        self.enough, self.on_first, self.on_enough = enough, on_first, on_enough
        self.commits = self.settled = 0
        self.first_at: float | None = None
        self.last_at, self.last_cpu = time.monotonic(), time.process_time()
        self.commit = journal.commit_batch
        journal.commit_batch = self.commit_batch

    def commit_batch(self, worker_id: Any, sequence: int, chains: Any, **options: Any) -> Any:
        results = self.commit(worker_id, sequence, chains, **options)
        steps = (
            step
            for chain, result in zip(chains, results, strict=True)
            for step in chain.steps[: result.applied]
        )
        settled = sum(isinstance(operation, Settle) for step in steps for operation in step)
        if self.settled < self.enough:
            self.count(settled)
        return results

    def count(self, settled: int) -> None:
        self.commits += 1
        if not settled:
            return
        self.settled += settled
        self.last_at, self.last_cpu = time.monotonic(), time.process_time()
        if self.first_at is None:
            self.first_at = self.last_at
            self.on_first()
        if self.settled >= self.enough:
            self.on_enough()
