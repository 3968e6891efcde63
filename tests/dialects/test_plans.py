"""The plans of the hot statements, with literal parameters and deep data."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connections, transaction

from actorqueues.models import ActorInstance, Message
from actorqueues.storage.actors import actor_exists
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.claiming import find_due, find_wakes, ring
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.mailboxes import MailRequest, read_mail
from actorqueues.storage.operations import Destroy, Return, SaveState
from actorqueues.storage.outcomes import message_status
from actorqueues.storage.workers import reap_missing_workers, requeue_actors_of
from tests.fixtures.backends import only_postgresql, only_sqlite
from tests.storage.leases import begin, chain_of, failed_once, heads_of, held_actor, mail_for, release, settle
from tests.storage.outgoing import to

DEPTH, WIDTH = 200_000, 20_000
BIG = {"actorqueues_message", "actorqueues_actor", "actorqueues_wake"}
LEADING = {"aq_message_mailbox": "actor_id", "aq_message_scheduled": "actor_id", "aq_wake_actor": "type"}

FILL = [
    (
        "INSERT INTO actorqueues_message (uid, actor_id, queue, body, keeps_outcome, enqueued_at, failures, crashes)"
        " SELECT gen_random_uuid(), %(deep)s, 'increment', '{}', false, now(), 0, 0"
        " FROM generate_series(1, %(depth)s)"
    ),
    (
        "INSERT INTO actorqueues_actor (id, type, key, generation, status, epoch, careful, created_at, event_number,"
        " held_reason, wake_at, worker_id)"
        " SELECT md5('a' || n)::uuid, 'ledger', 'k' || n, 1, 'live', 1, false, now(), 0, '',"
        " CASE WHEN n %% 2 = 0 THEN now() END, CASE WHEN n %% 2 = 1 THEN md5('w' || n %% 10)::uuid END"
        " FROM generate_series(1, %(width)s) n"
    ),
    (
        "INSERT INTO actorqueues_message (uid, actor_id, queue, body, keeps_outcome, enqueued_at, failures, crashes,"
        " scheduled_at) SELECT gen_random_uuid(), md5('a' || n)::uuid, 'increment', '{}', false, now(), 0, 0,"
        " CASE WHEN n %% 4 = 0 THEN now() + interval '1 hour' END FROM generate_series(1, %(width)s) n"
    ),
    (
        "INSERT INTO actorqueues_wake (type, actor_id, key)"
        " SELECT 'ledger', md5('a' || n %% 5000)::uuid, 'k' FROM generate_series(1, %(width)s * 2) n"
    ),
    "ANALYZE actorqueues_message, actorqueues_actor, actorqueues_wake",
]


@pytest.fixture
def deep(backend):
    """200,000 messages in one actor that a worker holds; 20,000 actors with one each; wakes of 5,000 of them."""
    holder, actor = held_actor(backend)
    with connections[backend].cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement, {"deep": actor.actor_id, "depth": DEPTH, "width": WIDTH})
    return holder, actor


@contextmanager
def statements_of(monkeypatch):
    """What psycopg is given to read and to change rows, with its parameters."""
    import psycopg

    seen, execute = [], psycopg.Cursor.execute

    def remember(self, query, params=None, **given):
        if isinstance(query, str) and any(table in query for table in BIG):
            seen.append((query, params))
        return execute(self, query, params, **given)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", remember)
        yield seen


def explain(backend, query, params):
    import psycopg

    with transaction.atomic(using=backend):
        cursor = psycopg.ClientCursor(connections[backend].connection)  # writes the parameters as literals
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query}", params)
        return cursor.fetchone()[0][0]["Plan"]


def nodes_of(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def walks(plan):
    """What in a plan reads a big table, or an index of it, from end to end."""
    found = []
    for node in nodes_of(plan):
        kind, index = node["Node Type"], node.get("Index Name")
        if kind == "Seq Scan" and node["Relation Name"] in BIG:
            found.append(f"Seq Scan on {node['Relation Name']}")
        elif index is not None and (
            "Index Cond" not in node or LEADING.get(index, "") not in node["Index Cond"]
        ):
            found.append(f"{kind} of all {index}")
    return found


@only_postgresql
def test_no_hot_statement_walks_a_big_table_or_index(deep, backend, monkeypatch):
    holder, actor = deep
    others = list(ActorInstance.objects.filter(worker_id=None).order_by("id")[:200])
    ids = [row.id for row in others]
    dialect, connection = dialect_for(backend), connections[backend]
    first, *heads = heads_of(backend, actor.actor_id)
    with statements_of(monkeypatch) as seen:
        find_wakes(["ledger"], limit=100, using=backend)
        find_due(["ledger"], limit=100, using=backend)
        claimed = holder.claim(*ids)
        ring(holder.id, ids, using=backend)
        requests = [
            MailRequest(one.actor_id, one.epoch, {"increment": 100}, True) for one in [*claimed, actor]
        ]
        read_mail(requests, using=backend)
        dialect.count_depth(connection, actor.actor_id, "increment", 10_000)
        dialect.next_scheduled(connection, ids)
        steps = [step for head in heads[:50] for step in (begin(head), settle(head))]
        returned = (Return(failed_once(first), 1.0, "failed"), SaveState("1"))
        holder.commit(chain_of(actor, begin(heads[60]), *steps, returned))
        holder.commit(*(chain_of(one, release()) for one in claimed))
        [again] = holder.claim(ids[0])
        holder.commit(chain_of(again, (Destroy("gone"),)))
        mail_for(backend, "new", count=3)
        holder.claim(to("new").actor_id)
        message_status(heads[70].uid, using=backend)
        cancel_message(heads[71].uid, actor_id=actor.actor_id, using=backend)
        actor_exists(actor.actor_id, using=backend)
        reap_missing_workers(using=backend)
        dialect.transaction(lambda: requeue_actors_of(holder.id, using=backend), connection)
    explained = {
        query: walks(explain(backend, query, params)) for query, params in seen if "SAVEPOINT" not in query
    }
    assert len(explained) > 20
    assert {query: found for query, found in explained.items() if found} == {}


@only_postgresql
def test_starts_returns_and_states_are_updated_in_place(backend):
    """Nothing that they change is in an index, and the pages have room: HOT."""
    holder, actor = held_actor(backend, count=2000)
    others = holder.claim(*mail_for(backend, *(str(number) for number in range(100))))
    with connections[backend].cursor() as cursor:
        cursor.execute("VACUUM actorqueues_message")
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_reset()")
    heads = heads_of(backend, actor.actor_id, limit=2000)
    for start in range(0, 2000, 100):
        some = heads[start : start + 100]
        holder.commit(chain_of(actor, *map(begin, some)))
        returned, settled = some[::4], [head for head in some if head not in some[::4]]
        holder.commit(chain_of(actor, *((Return(failed_once(head), 1.0, "failed"),) for head in returned)))
        holder.commit(chain_of(actor, *map(settle, settled)))
        holder.commit(*(chain_of(one, (SaveState(f'{{"value":{start}}}'),)) for one in others))
    for table, updates in (("actorqueues_message", 2500), ("actorqueues_actor", 2000)):
        changed, in_place = updates_of(backend, table)
        assert changed >= updates
        assert in_place >= 0.95 * changed


def updates_of(backend, table):
    with connections[backend].cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s", [table])
        return cursor.fetchone()


@only_sqlite
def test_sqlites_hot_statements_use_their_indexes(backend):
    holder, actor = held_actor(backend, count=100)
    claimed = holder.claim(*mail_for(backend, *(str(number) for number in range(100))))
    head, other, *_ = heads_of(backend, actor.actor_id)
    plans = []
    connection = connections[backend]
    raw = connection.connection
    seen = []
    raw.set_trace_callback(seen.append)
    try:
        find_wakes(["ledger"], limit=100, using=backend)
        find_due(["ledger"], limit=100, using=backend)
        ring(holder.id, [actor.actor_id], using=backend)
        read_mail([MailRequest(actor.actor_id, actor.epoch, {"increment": 100}, True)], using=backend)
        dialect_for(backend).count_depth(connection, actor.actor_id, "increment", 100)
        returned = (Return(failed_once(other), 1.0, "failed"), SaveState("1"))
        holder.commit(chain_of(actor, begin(head), settle(head), returned))
        holder.commit(*(chain_of(one, release()) for one in claimed))
        holder.commit(chain_of(actor, (Destroy("gone"),)))
        reap_missing_workers(using=backend)
    finally:
        raw.set_trace_callback(None)
    for statement in dict.fromkeys(seen):
        if statement.startswith(("SELECT", "UPDATE", "DELETE")) and any(table in statement for table in BIG):
            rows = raw.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            plans += [(row[3], statement) for row in rows]
    assert len(plans) > 20
    # The leased actors' own index is small, and walked from its first worker on.
    whole = [plan for plan in plans if plan[0].startswith("SCAN actorqueues_")]
    assert whole == []


def test_reading_and_committing_stay_flat_at_any_depth(backend):
    """Not a measurement: a walk over what lies in front or behind would take a hundred times as long."""
    holder, actor = held_actor(backend)
    for _ in range(5):
        mail_for(backend, "main", count=4000)
    heads = heads_of(backend, actor.actor_id, limit=20)
    began = dialect_for(backend).now(connections[backend])
    for head in heads:
        holder.commit(chain_of(actor, begin(head), settle(head)))
        heads_of(backend, actor.actor_id, limit=1)
        dialect_for(backend).count_depth(connections[backend], actor.actor_id, "increment", 50)
    assert dialect_for(backend).now(connections[backend]) - began < timedelta(seconds=2)
    assert Message.objects.count() == 20_001 - 20
