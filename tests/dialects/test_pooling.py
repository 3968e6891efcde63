"""PostgreSQL behind a pooler in transaction mode: a session belongs to nobody for longer than a transaction."""

import threading
import time

import pytest
from django.db import DatabaseError, connections, transaction

from actorqueues.models import ActorInstance
from actorqueues.runtime.threads import BackgroundThread
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.dialects.postgresql import idle_milliseconds, is_pooled
from actorqueues.storage.operations import SaveState, Send
from tests.fixtures.backends import STORES, every_postgresql
from tests.fixtures.pgbouncer import SERVERS
from tests.storage.leases import begin, chain_of, heads_of, held_actor, settle
from tests.storage.outgoing import to

pooled = pytest.mark.parametrize("backend", STORES[2:], indirect=True)

BOUNDS = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")


def shown(backend, name):
    with connections[backend].cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


def left_behind(backend, neighbours):
    """What every server connection of the pool still has set, seen by clients that hold them all at once."""
    clients = [neighbours() for _ in range(SERVERS)]
    for client in clients:
        client.begin(backend)
    found = {client.do(shown, backend, name) for client in clients for name in BOUNDS}
    for client in clients:
        client.commit()
    return found


@pytest.fixture
def background(backend):
    """A thread with a connection as the journal has it, with a lease of a second."""
    thread = BackgroundThread("test", backend, lease=1.0)
    yield thread
    thread.close()


@every_postgresql
def test_a_pooler_is_recognised(backend):
    assert is_pooled(connections[backend]) is (backend == "pgbouncer")


@every_postgresql
def test_every_transaction_of_a_background_connection_is_bounded(backend, background):
    def bound():
        dialect, connection = dialect_for(backend), connections[backend]
        return dialect.transaction(lambda: shown(backend, BOUNDS[0]), connection)

    for _ in range(3):
        assert background.executor.submit(background.call, bound).result() == f"{idle_milliseconds(1.0)}ms"


@pooled
def test_nothing_that_a_batch_or_a_dedupe_key_sets_is_left_to_other_clients(backend, background, neighbours):
    def work():
        holder, actor = held_actor(backend)
        [head] = heads_of(backend, actor.actor_id)
        send = Send([to("other", dedupe="a"), to("other")])
        return holder.commit(chain_of(actor, begin(head), (*settle(head), SaveState("1"), send)))

    [result] = background.executor.submit(background.call, work).result()
    assert result.status == "committed"
    assert left_behind(backend, neighbours) == {"0"}


@every_postgresql
def test_a_process_that_stands_still_in_a_transaction_does_not_hold_its_rows(backend, background):
    _, actor = held_actor(backend)
    locked, go_on = threading.Event(), threading.Event()

    def stand_still():
        mine = ActorInstance.objects.using(backend).filter(id=actor.actor_id)

        def work():
            list(dialect_for(backend).lock_waiting(mine))
            locked.set()
            go_on.wait(30)
            mine.update(state="late")

        dialect_for(backend).transaction(work, connections[backend])

    stopped = background.executor.submit(background.call, stand_still)
    assert locked.wait(20)
    began = time.monotonic()
    with transaction.atomic(using=backend):
        list(ActorInstance.objects.filter(id=actor.actor_id).select_for_update())
    assert time.monotonic() - began < 15  # the lease is a second
    go_on.set()
    with pytest.raises(DatabaseError) as caught:
        stopped.result(timeout=20)
    assert (
        dialect_for(backend).kind_of(caught.value) == "trouble"
    )  # a batch is tried again, no chain is refused
    assert ActorInstance.objects.get(id=actor.actor_id).state is None
