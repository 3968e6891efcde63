from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorqueues.definitions.backoff import Backoff


def test_waits_double_up_to_five_minutes():
    assert [Backoff().delay(attempt) for attempt in range(1, 12)] == [
        1,
        2,
        4,
        8,
        16,
        32,
        64,
        128,
        256,
        300,
        300,
    ]


def test_a_backoff_of_its_own():
    backoff = Backoff(first=timedelta(seconds=2), factor=3, cap=timedelta(minutes=1))
    assert [backoff.delay(attempt) for attempt in (1, 2, 3, 4, 5)] == [2, 6, 18, 54, 60]


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_jitter_stays_within_its_share_and_the_cap(attempt, jitter):
    plain, wait = Backoff().delay(attempt), Backoff(jitter=jitter).delay(attempt)
    assert plain * (1 - jitter) - 1e-9 <= wait <= min(300, plain * (1 + jitter) + 1e-9)


@pytest.mark.parametrize(
    "options",
    [{"first": -1}, {"factor": 0.5}, {"factor": float("nan")}, {"jitter": 2}, {"jitter": -0.1}, {"cap": "5"}],
)
def test_nonsense_is_refused(options):
    with pytest.raises((TypeError, ValueError)):
        Backoff(**options)
