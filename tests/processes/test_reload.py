"""``runactors --reload``: a change of the code starts the worker anew."""

import os

from tests.fixtures.backends import only_sqlite
from tests.playground import actors
from tests.playground.actors import Tally
from tests.processes.evidence import eventually


@only_sqlite
def test_a_changed_file_starts_the_worker_anew_and_costs_no_message(backend, worker_process):
    worker = worker_process("--reload")
    worker.wait_for_output("worker starts")
    tally = Tally.get_or_create("main")
    assert tally.ask(Tally.increment, {"amount": 1}, timeout=20).value == 1

    def starts_anew():
        os.utime(actors.__file__)  # again, until the watch has had its first look
        return worker.output.count("worker starts") > 1

    eventually(starts_anew, every=0.5)
    assert tally.ask(Tally.increment, {"amount": 1}, timeout=20).value == 2
    worker.terminate()
    assert worker.wait() == 0
