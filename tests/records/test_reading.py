"""Rolling up by the hour, retention, and what charts read."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from actorqueues import clock
from actorqueues.diagnosis.statistics import last_day, last_hour, last_week, totals_by_queue
from actorqueues.models import Statistic
from actorqueues.models.statistic import HOUR, LATENCY_BOUNDS, MINUTE
from actorqueues.storage import statistics
from actorqueues.storage.pruning import prune
from actorqueues.storage.statistics import Counted, Counts, add_statistics, roll_up_statistics
from tests.fixtures.backends import only_postgresql
from tests.fixtures.workers import eventually

NOW = datetime(2026, 5, 4, 12, 30, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_half_past_noon(monkeypatch):
    monkeypatch.setattr(clock, "offset", NOW - datetime.now(UTC))


def worked(backend, began_at, queue="increment", worker_id=None, latency=0.001, **counts):
    """One minute of one worker."""
    one = Counts(**counts)
    one.latencies[LATENCY_BOUNDS.index(latency)] = one.settled
    counted = Counted("ledger", queue, began_at.replace(second=0, microsecond=0), one)
    add_statistics(worker_id or uuid4(), [counted], using=backend)


def ago(**given):
    return NOW - timedelta(**given)


def sums():
    total = Counts()
    for row in Statistic.objects.all():
        total.add(Counts.of(row))
    return (total.sent, total.settled, total.failed, total.dead, sum(total.latencies))


def roll_up_all(backend):
    while roll_up_statistics(using=backend):
        pass


def test_old_minutes_of_all_workers_become_hours_with_the_same_sums(backend):
    for minutes in (200, 300, 301, 330):
        for _ in range(3):
            worked(backend, ago(minutes=minutes), sent=2, settled=2, failed=1)
    worked(backend, ago(minutes=300), queue="note", dead=1)
    worked(backend, ago(minutes=120), sent=1, settled=1)
    before = sums()
    roll_up_all(backend)
    assert sums() == before
    rows = Statistic.objects.order_by("began_at", "queue")
    found = [(row.seconds, row.began_at.hour, row.queue, row.settled, row.worker_id is None) for row in rows]
    assert found == [
        (HOUR, 7, "increment", 18, True),
        (HOUR, 7, "note", 0, True),
        (MINUTE, 9, "increment", 2, False),
        (MINUTE, 9, "increment", 2, False),
        (MINUTE, 9, "increment", 2, False),
        (MINUTE, 10, "increment", 1, False),
    ]


def test_what_comes_late_is_added_to_its_hour(backend):
    worked(backend, ago(hours=6), settled=1)
    roll_up_all(backend)
    worked(backend, ago(hours=6), settled=2)
    roll_up_all(backend)
    assert not Statistic.objects.minutely().exists()
    assert last_day(backend)[-7].settled == 3


def test_an_hour_is_rolled_up_in_batches(backend, monkeypatch):
    monkeypatch.setattr(statistics, "ROLL_UP_BATCH", 4)
    for minute in range(10):
        worked(backend, ago(hours=5, minutes=minute), settled=1)
    assert [roll_up_statistics(using=backend) for _ in range(4)] == [4, 4, 2, 0]
    assert sums()[1] == 10


@only_postgresql
@pytest.mark.parametrize("end", ["commit", "roll_back"])
def test_two_workers_that_roll_up_at_once_count_everything_once(backend, neighbours, monkeypatch, end):
    monkeypatch.setattr(statistics, "ROLL_UP_BATCH", 3)
    for minute in range(6):
        worked(backend, ago(hours=5, minutes=minute), sent=1, settled=1)
    before = sums()
    other = neighbours()
    other.begin(backend)
    assert other.do(roll_up_statistics, using=backend) == 3  # and has not committed
    assert roll_up_statistics(using=backend) == 3
    assert roll_up_statistics(using=backend) == 0  # what is left is the other's
    getattr(other, end)()
    assert sums() == before
    roll_up_all(backend)
    assert sums() == before
    assert not Statistic.objects.minutely().exists()


def test_statistics_go_after_their_retention(backend, settings):
    worked(backend, ago(days=8), settled=1)
    worked(backend, ago(days=6), settled=1)
    roll_up_all(backend)
    prune(using=backend)
    assert sums()[1] == 1
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "STATISTICS_RETENTION": 0}
    prune(using=backend)
    assert not Statistic.objects.exists()


def test_a_worker_rolls_up_and_prunes_by_itself(start_worker, monkeypatch, backend):
    monkeypatch.setattr("actorqueues.runtime.maintenance.PRUNE_EVERY", 0.1)
    worked(backend, ago(days=8), settled=1)
    worked(backend, ago(hours=5), settled=1)
    start_worker()
    eventually(lambda: not Statistic.objects.minutely().exists() and Statistic.objects.count() == 1)
    assert Statistic.objects.get().seconds == HOUR


# Series


def test_the_last_hour_is_a_point_a_minute_of_all_workers(backend):
    worked(backend, ago(minutes=1), sent=3, settled=2, failed=1)
    worked(backend, ago(minutes=1), settled=8, latency=0.1)
    worked(backend, ago(minutes=60), dead=1)
    worked(backend, ago(minutes=0), settled=100)  # is not over
    worked(backend, ago(minutes=61), settled=100)
    points = last_hour(backend)
    assert [points[0].began_at, points[-1].began_at] == [
        datetime(2026, 5, 4, 11, 30, tzinfo=UTC),
        datetime(2026, 5, 4, 12, 29, tzinfo=UTC),
    ]
    assert (len(points), points[0].dead) == (60, 1)
    last = points[-1]
    assert (last.sent, last.settled, last.failed) == (3, 10, 1)
    assert 0.05 < last.p50 <= last.p99 <= 0.1
    assert (points[5].settled, points[5].p50) == (0, None)


def test_day_and_week_join_hours_and_minutes(backend):
    worked(backend, ago(hours=20), settled=5)
    worked(backend, ago(days=5), settled=7)
    roll_up_all(backend)
    worked(backend, ago(minutes=1), settled=1)
    worked(backend, ago(minutes=20), settled=1)
    day, week = last_day(backend), last_week(backend)
    assert (len(day), len(week)) == (24, 168)
    assert {point.began_at.hour: point.settled for point in day if point.settled} == {12: 2, 16: 5}
    assert [point.settled for point in week if point.settled] == [7, 5, 2]


def test_series_and_totals_of_one_queue(backend):
    worked(backend, ago(minutes=2), queue="a", settled=4, latency=1.0)
    worked(backend, ago(minutes=2), queue="b", settled=1, dead=1)
    assert sum(point.settled for point in last_hour(backend, "ledger", "a")) == 4
    assert sum(point.settled for point in last_hour(backend, "nobody")) == 0
    [a, b] = totals_by_queue(backend, timedelta(hours=1), "ledger")
    assert (a.actor_type, a.queue, a.settled, a.dead) == ("ledger", "a", 4, 0)
    assert (b.queue, b.settled, b.dead) == ("b", 1, 1)
    assert 0.5 < a.p50 < a.p99 <= 1.0


def test_a_series_is_one_query_that_uses_the_index(backend):
    with CaptureQueriesContext(
        connections[backend],
    ) as captured:
        last_day(backend)
    reads = [query["sql"] for query in captured if "actorqueues_statistic" in query["sql"]]
    assert len(reads) == 1
    with connections[backend].cursor() as cursor:
        if backend == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if backend == 'default' else ''}{reads[0]}")
        plan = str(cursor.fetchall())
    assert "aq_statistic_began" in plan or backend == "postgresql"


@pytest.mark.parametrize(
    ("latencies", "p50", "p99"),
    [
        ({0.001: 1}, 0.0005, 0.00099),
        ({0.1: 50, 1.0: 50}, 0.1, 0.99),
        ({0.01: 99, 60.0: 1}, 0.007525, 0.01),
    ],
)
def test_percentiles_lie_inside_their_class(latencies, p50, p99):
    counts = Counts()
    for bound, number in latencies.items():
        counts.latencies[LATENCY_BOUNDS.index(bound)] = number
    assert (counts.latency(50), counts.latency(99)) == (
        pytest.approx(p50, rel=0.02),
        pytest.approx(p99, rel=0.02),
    )


def test_what_took_longer_than_the_last_class_is_at_least_that():
    counts = Counts()
    assert counts.latency(99) is None
    counts.latencies[-1] = 3
    assert counts.latency(50) == LATENCY_BOUNDS[-1]
