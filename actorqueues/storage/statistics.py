"""What happened, in numbers: added by the journals, rolled up by the hour."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from uuid import UUID

from django.db import connections, transaction

from actorqueues.models import Statistic
from actorqueues.models.statistic import HOUR, LATENCY_BOUNDS, MINUTE
from actorqueues.storage.dialects import Row, dialect_for

logger = logging.getLogger("actorqueues.statistics")

MINUTES_KEPT = timedelta(hours=3)
ROLL_UP_BATCH = 1000  # rows

COLUMNS = (
    "worker_id", "type", "queue", "seconds", "began_at", "sent", "settled", "failed", "dead", "latencies",
)  # fmt: skip


@dataclass(slots=True)
class Counts:
    """Numbers of one queue and time. ``latencies`` has one class more than ``LATENCY_BOUNDS``."""

    sent: int = 0
    settled: int = 0
    failed: int = 0
    dead: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))

    def add(self, other: Counts) -> None:
        self.sent += other.sent
        self.settled += other.settled
        self.failed += other.failed
        self.dead += other.dead
        pairs = zip_longest(self.latencies, other.latencies, fillvalue=0)
        self.latencies = [mine + its for mine, its in pairs]

    def since(self, before: Counts) -> Counts:
        """What was added after ``before``."""
        latencies = [now - then for now, then in zip(self.latencies, before.latencies, strict=True)]
        return Counts(
            self.sent - before.sent,
            self.settled - before.settled,
            self.failed - before.failed,
            self.dead - before.dead,
            latencies,
        )

    def latency(self, percent: float) -> float | None:
        """So many percent were settled within these seconds; None where nothing was.

        Inside a class the messages count as evenly spread; above the last one there is only its lower end.
        """
        wanted, below, seen = sum(self.latencies) * percent / 100, 0.0, 0
        for bound, number in zip(LATENCY_BOUNDS, self.latencies, strict=False):
            if number and seen + number >= wanted:
                return below + (bound - below) * (wanted - seen) / number
            below, seen = bound, seen + number
        return below if any(self.latencies) else None

    @classmethod
    def of(cls, row: Statistic) -> Counts:
        return cls(row.sent, row.settled, row.failed, row.dead, json.loads(row.latencies))


@dataclass(frozen=True, slots=True)
class Counted:
    """What one worker saw of one queue in one minute."""

    type: str
    queue: str
    began_at: datetime
    counts: Counts


def add_statistics(worker_id: UUID, counted: Sequence[Counted], *, using: str) -> None:
    """In a journal batch, whose sequence keeps them from being added twice.

    In a savepoint: what is wrong with statistics alone must not hold up the journal. Raises what is the
    database's trouble, so that the batch is tried again.
    """
    rows = (row_of(one.type, one.queue, MINUTE, one.began_at, one.counts, worker_id) for one in counted)
    try:
        with transaction.atomic(using=using):
            insert_rows(rows, using)
    except Exception as error:
        if dialect_for(using).kind_of(error) == "trouble":
            raise
        logger.exception("statistics of %d queues could not be kept", len(counted))


def row_of(
    type_name: str, queue: str, seconds: int, began_at: datetime, counts: Counts, worker_id: UUID | None
) -> Row:
    numbers = (counts.sent, counts.settled, counts.failed, counts.dead)
    return (worker_id, type_name, queue, seconds, began_at, *numbers, json.dumps(counts.latencies))


def insert_rows(rows: Iterable[Row], using: str) -> None:
    dialect_for(using).insert(connections[using], Statistic, COLUMNS, list(rows))


def roll_up_statistics(*, using: str) -> int:
    """Adds up some minutes of an hour that is long over, of all workers. Returns how many rows went.

    Two workers at once: each takes the rows that the other has not locked, and adds rows of its own for what
    it took. The sums are right whoever gets what, and whichever of them fails.
    """
    connection, dialect = connections[using], dialect_for(using)

    def work() -> int:
        until = hour_of(dialect.now(connection) - MINUTES_KEPT)
        due = Statistic.objects.using(using).minutely().filter(began_at__lt=until).order_by("began_at")
        first = due.values_list("began_at", flat=True).first()
        if first is None:
            return 0
        same_hour = due.filter(began_at__lt=hour_of(first) + timedelta(hours=1))
        rows = list(dialect.lock(same_hour.order_by("type", "queue", "id"))[:ROLL_UP_BATCH])
        sums: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
        for row in rows:
            sums[row.type, row.queue].add(Counts.of(row))
        insert_rows((row_of(*key, HOUR, hour_of(first), counts, None) for key, counts in sums.items()), using)
        return len(dialect.delete(connection, Statistic, [row.id for row in rows]))

    return dialect.transaction(work, connection)


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
