"""A worker whose every query goes through PgBouncer in transaction mode; nothing wakes it but its poll."""

import pytest

from actorqueues.models import ActorInstance
from tests.fixtures.backends import STORES
from tests.playground.actors import Increment, Scribe, Tally
from tests.processes.evidence import QUICK, all_settled, eventually, ledger

VALUES = list(range(40))


@pytest.mark.parametrize("backend", STORES[2:], indirect=True)
def test_a_killed_worker_behind_a_pooler_loses_nothing_and_answers_come_by_polling(
    backend, worker_process, neighbours
):
    first = worker_process("--no-supervise", settings=QUICK)
    first.wait_for_output("worker starts")
    tally = Tally.get_or_create("pooled")
    assert tally.ask(Tally.increment, Increment(amount=3), timeout=30).value == 3

    Scribe.get_or_create("atomic").send_many(Scribe.record, [{"value": value} for value in VALUES])
    Scribe.get_or_create("slow").send_many(
        Scribe.scribble, [{"value": value, "seconds": 0.02} for value in VALUES]
    )
    eventually(lambda: len(ledger("slow")) >= 5)
    asked = neighbours().start(tally.ask, Tally.increment, Increment(amount=4), timeout=60)
    first.kill()
    second = worker_process("--no-supervise", settings=QUICK)
    assert asked.result(timeout=60).value == 7
    eventually(all_settled)
    assert ledger("atomic") == VALUES
    assert list(dict.fromkeys(ledger("slow"))) == VALUES
    for key in ("atomic", "slow"):
        assert Scribe.get_or_create(key).get_state()["values"] == VALUES
    second.terminate()
    assert second.wait() == 0
    assert not ActorInstance.objects.awake().exists()
