"""A broken promise is seen: otherwise the scenarios would prove nothing."""

import pytest

from tests.faults.account import Sent
from tests.faults.promises import broken_by_actor, broken_by_forwarding, broken_in_ledger
from tests.playground.actors import Pages

SENT = Sent(sure={1, 2, 3}, unclear=[{4, 5}])


def broken(**state):
    return list(broken_by_actor("jot 0", "s", SENT, Pages(**state)))


@pytest.mark.parametrize("last", [3, 5])
def test_a_send_without_an_answer_is_there_whole_or_not_at_all(last):
    assert broken(runs={"s": [(1, last)]}) == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"runs": {"s": [(1, 2)]}}, "lost"),
        ({"runs": {"s": [(1, 4)]}}, "without"),
        ({"runs": {"s": [(1, 3), (6, 6)]}}, "never sent"),
        ({"runs": {"s": [(1, 1), (3, 3)]}, "disorder": [("s", 2)]}, "out of order, or twice"),
        ({"runs": {"s": [(1, 3)]}, "disorder": [("s", 3)]}, "out of order, or twice"),
    ],
)
def test_losses_halves_strangers_and_disorder_are_seen(state, said):
    (problem,) = broken(**state)
    assert said in problem


def test_what_was_not_sent_on_or_twice_is_seen():
    page = Pages(runs={"s": [(1, 3)]})
    assert list(broken_by_forwarding("forward 0", "s", SENT, page, page)) == []
    (lost,) = broken_by_forwarding("forward 0", "s", SENT, page, Pages(runs={"s": [(1, 2)]}))
    twice = Pages(runs={"s": [(1, 3)]}, disorder=[("s", 1)])
    (doubled,) = broken_by_forwarding("forward 0", "s", SENT, page, twice)
    assert "disagree" in lost
    assert "twice" in doubled


@pytest.mark.parametrize(("lines", "problems"), [([1, 2, 2, 3], 0), ([1, 3], 1), ([1, 3, 2], 1)])
def test_a_ledger_with_gaps_or_swapped_lines_is_seen(lines, problems):
    page = Pages(runs={"s": [(1, 3)]})
    assert len(list(broken_in_ledger("copy 0", "s", SENT, page, lines))) == problems
