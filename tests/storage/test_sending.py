import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connections, transaction

from actorqueues.exceptions import ActorNotFound
from actorqueues.models import ActorInstance, Message, Wake
from actorqueues.storage import actors
from actorqueues.storage.actors import create_actor, mark_destroying
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.sending import Stored, store_messages
from tests.fixtures.backends import every_postgresql
from tests.fixtures.transactions import rolled_back
from tests.storage.outgoing import to


@pytest.fixture
def statements(monkeypatch):
    """Every statement that psycopg is given."""
    import psycopg

    seen = []
    execute = psycopg.Cursor.execute

    def count(self, query, *args, **kwargs):
        seen.append(query)
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", count)
    return seen


@every_postgresql
def test_one_plain_message_is_one_statement_without_a_transaction(backend, statements):
    connections[backend].ensure_connection()
    statements.clear()
    store_messages([to()], using=backend)
    assert len(statements) == 1
    assert Message.objects.count() == Wake.objects.count() == 1


@every_postgresql
def test_ten_thousand_messages_are_a_few_statements(backend, statements):
    connections[backend].ensure_connection()
    statements.clear()
    steps = []
    store_messages([to() for _ in range(10_000)], using=backend, progress=steps.append)
    assert len(statements) == 10
    assert steps == list(range(1000, 10_001, 1000))
    assert Message.objects.count() == 10_000


@every_postgresql
def test_ten_thousand_dedupe_keys_are_a_few_statements(backend, statements):
    connections[backend].ensure_connection()
    statements.clear()
    store_messages([to(dedupe=str(number)) for number in range(10_000)], using=backend)
    assert len(statements) < 50


def test_messages_keep_the_order_they_are_given_in(backend):
    outgoing = [to(body=json.dumps(number)) for number in range(2500)]
    stored = store_messages(outgoing, using=backend)
    assert stored == [Stored(one.uid, False) for one in outgoing]
    bodies = Message.objects.order_by("id").values_list("body", flat=True)
    assert [json.loads(body) for body in bodies] == list(range(2500))


def test_every_actor_of_a_batch_gets_a_wake(backend):
    store_messages([to("a"), to("b"), to("a")], using=backend)
    assert sorted(Wake.objects.values_list("type", "key")) == [("ledger", "a"), ("ledger", "b")]


def test_a_batch_that_fails_in_its_last_chunk_stores_nothing(backend):
    same = to()
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        store_messages([to() for _ in range(1500)] + [same, same], using=backend)
    assert Message.objects.count() == Wake.objects.count() == 0


def test_a_rolled_back_send_stores_neither_message_nor_wake(backend):
    with rolled_back(backend):
        store_messages([to()], using=backend)
        store_messages([to(), to()], using=backend)
    assert Message.objects.count() == Wake.objects.count() == 0


def test_times_are_counted_by_the_databases_clock(backend):
    moment = datetime(2040, 1, 1, tzinfo=UTC)
    now = dialect_for(backend).now(connections[backend])
    store_messages([to(delay=60, expires_in=120), to(scheduled_at=moment, expires_at=moment)], using=backend)
    relative, absolute = Message.objects.order_by("id")
    second = timedelta(seconds=1)
    assert abs(relative.enqueued_at - now) < second
    assert abs(relative.scheduled_at - now - timedelta(seconds=60)) < second
    assert abs(relative.expires_at - now - timedelta(seconds=120)) < second
    assert absolute.scheduled_at == absolute.expires_at == moment


@every_postgresql
def test_senders_to_one_new_actor_do_not_wait_for_each_other(backend, neighbours):
    other = neighbours()
    other.begin(backend)
    other.do(store_messages, [to("new")], using=backend)
    with transaction.atomic(using=backend), connections[backend].cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '200ms'")
        store_messages([to("new")], using=backend)
    assert Message.objects.count() == 1
    other.commit()
    assert Message.objects.count() == 2


def test_a_send_that_requires_its_actor_finds_none(backend):
    with pytest.raises(ActorNotFound, match="ledger/main"):
        store_messages([to(requires_actor=True)], using=backend)
    with pytest.raises(ActorNotFound):
        store_messages([to(), to(requires_actor=True)], using=backend)
    assert Message.objects.count() == Wake.objects.count() == 0


def test_a_send_that_requires_its_actor_or_its_generation(backend):
    one = to(requires_actor=True)
    create_actor(one.actor_id, "ledger", "main", using=backend)
    Wake.objects.all().delete()
    store_messages([one], using=backend)
    store_messages([to(requires_actor=True, generation=1)], using=backend)
    store_messages([to(requires_actor=True), to(requires_actor=True, generation=1)], using=backend)
    with pytest.raises(ActorNotFound):
        store_messages([to(requires_actor=True, generation=2)], using=backend)
    with pytest.raises(ActorNotFound):
        store_messages([to(), to(requires_actor=True, generation=2)], using=backend)
    mark_destroying(one.actor_id, "ledger", "main", using=backend)
    with pytest.raises(ActorNotFound):
        store_messages([to(requires_actor=True)], using=backend)
    assert Message.objects.count() == 4


def test_the_first_message_with_an_input_makes_the_actors_row(backend):
    store_messages([to(input='{"a":1}')], using=backend)
    store_messages([to(input='{"a":2}')], using=backend)
    assert ActorInstance.objects.get().input == '{"a":1}'
    assert Message.objects.count() == 2


def test_a_tombstone_is_revived_with_the_new_input(backend):
    one = to(input='"new"')
    store_messages([one], using=backend)
    ActorInstance.objects.update(status="destroyed", generation=2, epoch=7, input=None)
    store_messages([to(input='"newer"')], using=backend)
    row = ActorInstance.objects.get()
    assert (row.status, row.generation, row.input) == ("live", 2, '"newer"')
    assert row.epoch > 7


@every_postgresql
def test_waiting_for_the_same_new_actor_with_an_input_is_bounded(backend, neighbours, monkeypatch):
    monkeypatch.setattr(actors, "LOCK_WAIT", 0.2)
    other = neighbours()
    other.begin(backend)
    other.do(store_messages, [to(input='"first"')], using=backend)
    with transaction.atomic(using=backend):
        with pytest.raises(OperationalError, match="lock timeout"):
            store_messages([to(input='"second"')], using=backend)
        store_messages(
            [to()], using=backend
        )  # the caller's transaction goes on, and waits for nobody without one
    other.commit()
    assert ActorInstance.objects.get().input == '"first"'
    assert Message.objects.count() == 2
