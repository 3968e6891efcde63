"""Several workers on one database."""

import pytest

from actorqueues.models import ActorInstance, Message
from tests.fixtures.backends import only_postgresql
from tests.playground.actors import Scribe
from tests.processes.evidence import QUICK, all_settled, eventually, holders

ACTORS = 24
BODIES = [
    {"value": value, "seconds": 0.05} for value in range(360)
]  # for some 18 s: processes take their time to start on a busy machine


@pytest.fixture
def busy_actors(backend):
    """Actors that have something to do for several seconds each, without using the processor."""
    for number in range(ACTORS):
        Scribe.get_or_create(f"busy {number}").send_many(Scribe.doze, BODIES)


def test_busy_actors_are_shared_fairly_and_a_late_worker_gets_some(busy_actors, worker_process):
    quick = {**QUICK, "LEASE": 2}
    first = worker_process("--no-supervise", settings=quick)
    eventually(lambda: sum(holders().values()) == ACTORS)
    workers = [first, *(worker_process("--no-supervise", settings=quick) for _ in range(2))]

    def shared():
        """Each of three workers holds its share, with the tolerance of a quarter."""
        shares = holders().values()
        return len(shares) == 3 and max(shares) <= ACTORS // 3 * 1.25

    eventually(shared)
    assert "leaving" in first.output
    assert Message.objects.exists(), "they were still busy"
    for worker in workers[1:]:
        worker.terminate()
    assert [worker.wait() for worker in workers[1:]] == [0, 0]
    eventually(lambda: len(holders()) == 1)
    eventually(all_settled)
    values = [body["value"] for body in BODIES]
    for number in range(ACTORS):
        assert Scribe.get_or_create(f"busy {number}").get_state() == {"values": values}


@only_postgresql
def test_a_worker_leaves_nothing_to_workers_that_do_not_serve_its_actors(busy_actors, worker_process):
    other = worker_process("--no-supervise", "--include", "tally", settings=QUICK)
    other.wait_for_output("worker starts")
    mine = worker_process("--no-supervise", "--include", "scribe", settings=QUICK)
    eventually(lambda: sum(holders().values()) == ACTORS)
    epochs = dict(ActorInstance.objects.values_list("key", "epoch"))
    eventually(lambda: Message.objects.count() < ACTORS * (len(BODIES) - 50))
    assert dict(ActorInstance.objects.values_list("key", "epoch")) == epochs
    assert "leaving" not in mine.output
