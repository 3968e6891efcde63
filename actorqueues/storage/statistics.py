"""What happened, in numbers: added by the journals, rolled up by the hour."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from uuid import UUID

from django.db import connections, transaction

from actorqueues.models import Statistic
from actorqueues.models.statistic import LATENCY_BOUNDS, MINUTE
from actorqueues.storage.dialects import Row, dialect_for

logger = logging.getLogger("actorqueues.statistics")

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
