"""A worker that stands still for longer than its lease, and comes back."""

from django.db import connections

from actorqueues.models import ActorInstance, Journal, Worker
from tests.faults.suspending import may_stop, suspended
from tests.fixtures.backends import only_postgresql
from tests.playground.actors import Scribe, Tally
from tests.processes.evidence import QUICK, all_settled, eventually, holder_of, ledger, worker_ids


def test_a_worker_that_was_stopped_past_its_lease_changes_nothing_and_begins_anew(backend, worker_process):
    stale = worker_process("--no-supervise", settings=QUICK)
    stale.wait_for_output("worker starts")
    Scribe.get_or_create("atomic").send_many(Scribe.record, [{"value": value} for value in range(200)])
    Scribe.get_or_create("async").send_many(
        Scribe.doze, [{"value": value, "seconds": 0.02} for value in range(60)]
    )
    Tally.get_or_create("tally").send_many(Tally.increment, [{"amount": 1}] * 300)
    eventually(lambda: len(ledger("atomic")) >= 5)
    with suspended(stale, lambda: may_stop(connections[backend]) and holder_of("async") is not None):
        old = holder_of("async")  # not before: on a busy machine it may have begun anew already
        other = worker_process("--no-supervise", settings=QUICK)
        eventually(lambda: old not in worker_ids() and holder_of("async") not in (None, old))
    eventually(lambda: len(worker_ids()) == 2)
    assert old not in worker_ids()
    assert "lost its lease" in stale.output
    eventually(all_settled)
    assert ledger("atomic") == list(range(200))
    assert Scribe.get_or_create("atomic").get_state() == {"values": list(range(200))}
    assert Scribe.get_or_create("async").get_state() == {"values": list(range(60))}
    assert Tally.get_or_create("tally").get_state().value == 300

    other.terminate()
    assert other.wait() == 0
    assert Tally.get_or_create("tally").ask(Tally.increment, {"amount": 1}, timeout=20).value == 301
    stale.terminate()
    assert stale.wait() == 0, "it works on, and stops as any other"


@only_postgresql
def test_a_worker_that_lost_its_lease_begins_anew_at_once_although_a_commit_of_its_will_never_come(
    backend, worker_process, neighbours
):
    worker = worker_process("--no-supervise", settings={**QUICK, "SLEEP_AFTER": 0.5, "GRACE": 600})
    assert Tally.get_or_create("main").ask(Tally.increment, {"amount": 1}, timeout=30).value == 1
    other = neighbours()
    other.begin(backend)
    other.do(lambda: list(ActorInstance.objects.select_for_update().filter(key="main")))

    def tried():
        return Journal.objects.values_list("sequence", flat=True).get()

    before = tried()
    eventually(lambda: tried() > before + 20)  # the actor goes to sleep: its release waits for the row
    Worker.objects.update(expires_at="2000-01-01T00:00:00Z")
    worker.wait_for_output("begins anew")
    other.roll_back()
