from uuid import uuid4

import pytest

from actorqueues.client import depth
from actorqueues.client.depth import DepthGauge
from actorqueues.exceptions import QueueFull


class Counted:
    """Stands in for the database: a depth, and how often it was asked for."""

    def __init__(self):
        self.depth = 0
        self.counts = 0

    def count_depth(self, connection, actor_id, queue, limit):
        self.counts += 1
        return min(self.depth, limit)


@pytest.fixture
def counted(monkeypatch):
    made = Counted()
    monkeypatch.setattr(depth, "dialect_for", lambda using: made)
    monkeypatch.setattr(depth, "connections", {"default": None, "postgresql": None})
    return made


@pytest.fixture
def now(monkeypatch):
    class Clock:
        seconds = 1000.0

        def monotonic(self):
            return self.seconds

    made = Clock()
    monkeypatch.setattr(depth, "time", made)
    return made


PLACE = ("default", uuid4(), "increment")


def test_sends_to_an_empty_mailbox_are_counted_once_in_256(counted, now):
    gauge = DepthGauge()
    for _ in range(257):
        gauge.check(PLACE, 1, 10_000)
    assert counted.counts == 1
    gauge.check(PLACE, 1, 10_000)
    assert counted.counts == 2


def test_the_credit_is_a_quarter_of_the_room_and_lasts_a_second(counted, now):
    gauge = DepthGauge()
    counted.depth = 59
    gauge.check(PLACE, 1, 100)
    for _ in range(10):
        gauge.check(PLACE, 1, 100)
    assert counted.counts == 1
    gauge.check(PLACE, 1, 100)
    assert counted.counts == 2
    now.seconds += 1.1
    gauge.check(PLACE, 1, 100)
    assert counted.counts == 3


def test_the_last_places_are_counted_one_by_one(counted, now):
    gauge = DepthGauge()
    for counted.depth in (97, 98, 99):
        gauge.check(PLACE, 1, 100)
    assert counted.counts == 3
    counted.depth = 100
    with pytest.raises(QueueFull):
        gauge.check(PLACE, 1, 100)


def test_a_refusal_is_answered_from_memory_for_a_tenth_of_a_second(counted, now):
    gauge = DepthGauge()
    counted.depth = 100
    for _ in range(50):
        with pytest.raises(QueueFull):
            gauge.check(PLACE, 1, 100)
    assert counted.counts == 1
    counted.depth = 0
    now.seconds += 0.2
    gauge.check(PLACE, 1, 100)


def test_a_batch_that_does_not_fit_refuses_nobody_else(counted, now):
    gauge = DepthGauge()
    with pytest.raises(QueueFull):
        gauge.check(PLACE, 101, 100)
    gauge.check(PLACE, 100, 100)


def test_queues_and_databases_are_counted_apart(counted, now):
    gauge = DepthGauge()
    counted.depth = 100
    with pytest.raises(QueueFull):
        gauge.check(PLACE, 1, 100)
    counted.depth = 0
    gauge.check((PLACE[0], PLACE[1], "note"), 1, 100)
    gauge.check(("postgresql", *PLACE[1:]), 1, 100)


def test_the_memory_of_the_gauge_is_bounded(counted, now, monkeypatch):
    monkeypatch.setattr(depth, "MOST_ENTRIES", 10)
    gauge = DepthGauge()
    for _ in range(100):
        gauge.check(("default", uuid4(), "increment"), 1, 100)
    assert len(gauge._entries) <= 10
