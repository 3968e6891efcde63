"""What a worker counts of its own work, and when it hands that to its journal."""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from actorqueues.models.statistic import LATENCY_BOUNDS
from actorqueues.storage.operations import Bury, Return, Settle
from actorqueues.storage.statistics import Counted, Counts

if TYPE_CHECKING:
    from actorqueues.runtime.journal import JournalWriter
    from actorqueues.storage.dialects import Head
    from actorqueues.storage.operations import Step

MINUTE = timedelta(minutes=1)
BATCH = 200  # rows in one journal batch at most
LATEST_TURN = 5.0  # seconds after the minute; workers do not all write at its first moment
UNOPENED = ("invalid", "expired")  # died without an attempt


class Tally:
    """Counts what has committed, by actor type, queue and minute of the database's clock. On the loop only.

    A minute that is over is ``finished``: the journal writes it once. What a worker that dies has counted
    and not written is lost.
    """

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps  # what is finished; otherwise it counts for its totals alone
        self.is_counting = keeps
        self.current: defaultdict[str, defaultdict[str, Counts]] = defaultdict(lambda: defaultdict(Counts))
        self.finished: list[Counted] = []
        self.before = Counts()  # of all minutes that are over
        self.began_at = self.turns_at = datetime.min.replace(tzinfo=UTC)
        self.seen_at, self.seen_by = datetime.now(UTC), time.monotonic()

    def count(self, actor_type: str, steps: Sequence[Step], at: datetime | None) -> None:
        """Steps that have committed; None: when they did was lost with the first answer."""
        if not self.is_counting:
            return
        # Once for every message of a drain: half a microsecond counts, hence neither isinstance nor a call.
        now = at if at is self.seen_at else self.see(at)
        queues = self.current[actor_type]
        for step in steps:
            for operation in step:
                if type(operation) is Settle:
                    head = operation.head
                    counts = queues[head.queue]
                    counts.settled += 1
                    if not (head.failures or head.crashes):
                        counts.sent += 1
                    waited = (now - head.enqueued_at).total_seconds()
                    counts.latencies[bisect_left(LATENCY_BOUNDS, waited)] += 1
                elif type(operation) is Return or type(operation) is Bury:
                    count_failed(queues[operation.head.queue], operation)

    def count_apart(self, actor_type: str, head: Head, at: datetime) -> None:
        """A settlement that committed with the user's own transaction."""
        self.count(actor_type, [(Settle(head),)], at)

    # Minutes

    def see(self, at: datetime | None) -> datetime:
        """The database's time as it is known best; a new minute begins with it."""
        if at is None:
            at = self.now()
        else:
            self.seen_at, self.seen_by = at, time.monotonic()
        if at >= self.turns_at:
            self.turn(at)
        return at

    def now(self) -> datetime:
        return self.seen_at + timedelta(seconds=time.monotonic() - self.seen_by)

    def turn(self, now: datetime) -> None:
        for actor_type, queues in self.current.items():
            for queue, counts in queues.items():
                self.before.add(counts)
                if self.keeps:
                    self.finished.append(Counted(actor_type, queue, self.began_at, counts))
        self.current.clear()
        self.began_at = now.replace(second=0, microsecond=0)
        self.turns_at = self.began_at + MINUTE

    @property
    def is_empty(self) -> bool:
        return not self.current and not self.finished

    def take(self) -> list[Counted]:
        """What the journal's next batch writes."""
        taken, self.finished = self.finished[:BATCH], self.finished[BATCH:]
        return taken

    def totals(self) -> Counts:
        """Everything since the worker's session began."""
        total = Counts()
        total.add(self.before)
        for queues in self.current.values():
            for counts in queues.values():
                total.add(counts)
        return total


def count_failed(counts: Counts, operation: Return | Bury) -> None:
    head = operation.head
    if isinstance(operation, Return):
        if operation.cause == "uncounted":
            return
        attempts, ended = head.failures + head.crashes, 1
    else:
        attempts, ended = operation.failures + operation.crashes, int(operation.reason not in UNOPENED)
    counts.failed += ended
    counts.dead += isinstance(operation, Bury)
    counts.sent += attempts == ended  # the first one


async def turn_minutes(journal: JournalWriter) -> None:
    """A worker that has become idle writes its last minute too, and then nothing more."""
    tally = journal.tally
    while True:
        now = tally.now()
        left = 60 - now.second - now.microsecond / 1e6
        await asyncio.sleep(left + random.uniform(0, LATEST_TURN))
        if tally.current and tally.now() >= tally.turns_at:
            tally.turn(tally.now())
            journal.bell.set()
