"""Series and totals of what workers counted, for charts and tables. One query each, besides the clock's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connections
from pydantic_core import from_json

from actorqueues.models import Statistic
from actorqueues.models.statistic import MINUTE
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.statistics import Counts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ = ("type", "queue", "seconds", "began_at", "sent", "settled", "failed", "dead", "latencies")


class Read(NamedTuple):
    """A stored row. A day of many workers has thousands: no model instances, and each is parsed once."""

    type: str
    queue: str
    seconds: int
    began_at: datetime
    counts: Counts


@dataclass(frozen=True, slots=True)
class Numbers:
    """What happened. Latencies are seconds, or None without any."""

    sent: int
    settled: int
    failed: int
    dead: int
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Point(Numbers):
    """From ``began_at`` on, for one step of a series."""

    began_at: datetime


@dataclass(frozen=True, slots=True)
class QueueTotal(Numbers):
    """In one queue of all actors of a type, over the whole time."""

    actor_type: str
    queue: str


def last_hour(using: str, actor_type: str | None = None, queue: str | None = None) -> list[Point]:
    """60 points, the last one of the latest minute that is over. A worker's part of it may be seconds late."""
    step = timedelta(minutes=1)
    until = floor(now(using), step)
    rows = read(using, until - timedelta(hours=1), actor_type, queue)
    return series(minutely(rows), until, step, 60)


def last_day(using: str, actor_type: str | None = None, queue: str | None = None) -> list[Point]:
    """24 points, the last one of the current hour."""
    return by_hour(using, 24, actor_type, queue)


def last_week(using: str, actor_type: str | None = None, queue: str | None = None) -> list[Point]:
    """168 points, the last one of the current hour; ``STATISTICS_RETENTION`` may leave the first ones empty."""
    return by_hour(using, 7 * 24, actor_type, queue)


def by_hour(using: str, hours: int, actor_type: str | None, queue: str | None) -> list[Point]:
    step = timedelta(hours=1)
    until = floor(now(using), step) + step
    return series(read(using, until - hours * step, actor_type, queue), until, step, hours)


def totals_by_queue(using: str, over: timedelta, actor_type: str | None = None) -> list[QueueTotal]:
    """By type and queue, over this time before now; more than 3 hours ago only whole hours are known."""
    return totals(read(using, now(using) - over, actor_type, None))


@dataclass(frozen=True)
class Recent:
    """What one look at the statistics gives."""

    hour: list[Point]
    day: list[Point]
    queues: list[QueueTotal]
    """Of the last hour."""


def recent(using: str) -> Recent:
    """The same as ``last_hour``, ``last_day`` and ``totals_by_queue`` of an hour together, read once."""
    present, minute, hour = now(using), timedelta(minutes=1), timedelta(hours=1)
    end_of_hour, end_of_day = floor(present, minute), floor(present, hour) + hour
    rows = read(using, end_of_day - 24 * hour)
    fresh = minutely(row for row in rows if row.began_at >= end_of_hour - hour)
    return Recent(series(fresh, end_of_hour, minute, 60), series(rows, end_of_day, hour, 24), totals(fresh))


def read(using: str, since: datetime, actor_type: str | None = None, queue: str | None = None) -> list[Read]:
    rows = Statistic.objects.using(using).recent(since)
    if actor_type is not None:
        rows = rows.filter(type=actor_type)
    if queue is not None:
        rows = rows.filter(queue=queue)
    return [
        Read(type_name, name, seconds, began_at, Counts(sent, settled, failed, dead, from_json(latencies)))
        for type_name, name, seconds, began_at, sent, settled, failed, dead, latencies in rows.values_list(
            *READ
        )
    ]


def minutely(rows: Iterable[Read]) -> list[Read]:
    return [row for row in rows if row.seconds == MINUTE]


def totals(rows: Iterable[Read]) -> list[QueueTotal]:
    counts: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
    for row in rows:
        counts[row.type, row.queue].add(row.counts)
    return [QueueTotal(*numbers(one), *key) for key, one in sorted(counts.items())]


def series(rows: Iterable[Read], until: datetime, step: timedelta, length: int) -> list[Point]:
    counts: defaultdict[datetime, Counts] = defaultdict(Counts)
    for row in rows:
        counts[floor(row.began_at, step)].add(row.counts)
    starts = [until - step * number for number in range(length, 0, -1)]
    return [Point(*numbers(counts[start]), start) for start in starts]


def numbers(one: Counts) -> tuple[int, int, int, int, float | None, float | None]:
    return one.sent, one.settled, one.failed, one.dead, one.latency(50), one.latency(99)


def floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - EPOCH) % step


def now(using: str) -> datetime:
    return dialect_for(using).now(connections[using])
