"""Connections that are lost under load."""

from django.db import connections

from actorqueues.models import Message
from tests.fixtures.backends import only_postgresql
from tests.playground.actors import Scribe, Tally
from tests.processes.evidence import QUICK, all_settled, eventually, ledger, worker_ids

KEYS = ("a", "b", "c", "d")
VALUES = list(range(150))


def end_other_connections(using):
    """All that the worker has, its listening one included."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


@only_postgresql
def test_a_worker_whose_connections_are_ended_again_and_again_loses_and_doubles_nothing(
    backend, worker_process
):
    worker = worker_process("--no-supervise", settings={**QUICK, "LEASE": 10})
    worker.wait_for_output("worker starts")
    for key in KEYS:
        Tally.get_or_create(key).send_many(Tally.increment, [{"amount": 1}] * 400)
        Scribe.get_or_create(key).send_many(Scribe.record, [{"value": value} for value in VALUES])
        Scribe.get_or_create(f"{key} async").send_many(Scribe.doze, [{"value": value} for value in VALUES])
        Scribe.get_or_create(f"{key} relay").send_many(Scribe.relay, [{"value": value} for value in VALUES])
    ended = 0
    for _ in range(5):
        left = Message.objects.count()
        eventually(lambda least=left - 100: Message.objects.count() < least or all_settled())
        ended += end_other_connections(backend)
    assert ended > 10
    eventually(all_settled)
    assert worker.returncode is None
    for key in KEYS:
        assert Tally.get_or_create(key).get_state().value == 400
        assert ledger(key) == VALUES
        assert Scribe.get_or_create(key).get_state() == {"values": VALUES}
        assert Scribe.get_or_create(f"{key} async").get_state() == {"values": VALUES}
        assert Scribe.get_or_create(f"{key} relay").get_state() == {"values": VALUES}
        assert Scribe.get_or_create(f"{key} relay, heard").get_state() == {"values": VALUES}
    # It goes on by itself: no restart, the same lease, and hints arrive again.
    assert "lost its lease" not in worker.output
    assert Tally.get_or_create("a").ask(Tally.increment, {"amount": 1}, timeout=20).value == 401


@only_postgresql
def test_a_worker_keeps_its_lease_when_the_database_is_away_for_less(backend, worker_process, proxy):
    settings = {**QUICK, "LEASE": 12}
    worker = worker_process("--no-supervise", settings=settings, route=proxy.address)
    tally = Tally.get_or_create("main")
    assert tally.ask(Tally.increment, {"amount": 1}, timeout=30).value == 1
    before = worker_ids()
    with proxy.refusing():
        tally.send(Tally.increment, {"amount": 1})
        worker.wait_for_output("the heartbeat could not renew the lease, trying again")
    assert tally.ask(Tally.increment, {"amount": 1}, timeout=20).value == 3
    assert worker_ids() == before
    assert "lost its lease" not in worker.output
