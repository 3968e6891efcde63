"""The plans of the hot statements, with literal parameters and deep data."""

from contextlib import contextmanager
from datetime import timedelta
from itertools import islice

import pytest
from django.db import connections, transaction

from actorqueues.models import ActorInstance, ActorStatus, Message
from actorqueues.storage.actors import actor_exists
from actorqueues.storage.burying import bury_message
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.claiming import find_due, find_wakes, ring
from actorqueues.storage.dead_letters import replay_dead_letters
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.events import (
    last_progress_number,
    read_addressed_events,
    read_events,
    read_new_events,
    read_progress,
    read_standings,
    read_transient_events,
    topics_after,
)
from actorqueues.storage.mailboxes import MailRequest, read_mail
from actorqueues.storage.operations import Bury, Destroy, Emission, Emit, Return, SaveState, Send
from actorqueues.storage.outcomes import message_status, read_outcomes
from actorqueues.storage.pausing import pause_type, resume_type
from actorqueues.storage.pruning import prune
from actorqueues.storage.purging import purge_queue, purge_type
from actorqueues.storage.sending import store_messages
from actorqueues.storage.unclaimed import unknown_queues, unknown_types
from actorqueues.storage.workers import (
    reap_dead_workers,
    reap_missing_workers,
    renew_lease,
    requeue_actors_of,
)
from tests.fixtures.backends import only_postgresql, only_sqlite
from tests.storage.leases import (
    Holder,
    begin,
    chain_of,
    failed_once,
    heads_of,
    held_actor,
    mail_for,
    release,
    settle,
)
from tests.storage.outgoing import to

DEPTH, WIDTH = 200_000, 20_000
NAMES = ("message", "actor", "wake", "outcome", "deduplication", "dead_letter", "event", "history")
BIG = {f"actorqueues_{name}" for name in NAMES}
LEADING = {
    "aq_message_mailbox": "actor_id",
    "aq_message_scheduled": "actor_id",
    "aq_wake_actor": "type",
    "aq_event_actor": "actor_id",
    "aq_history_actor": "actor_id",
    "aq_actor_type_key": "type",
    "aq_actor_wake": "type",
}
# Messages of one actor, of others, and how many those are. Among few that are alike each has much of a table, and to
# walk its primary key looks cheap.
ONE_DEEP, FEW_ALIKE = (DEPTH, WIDTH, WIDTH), (DEPTH // 24, DEPTH, 24)
AN_ACTOR = "md5('a' || n)::uuid"
SOME_ACTOR = "md5('a' || n %% %(crowd)s)::uuid"  # of those that have messages and all the rest
SOME_MESSAGE = "md5('m' || n)::uuid"

# One actor is as deep as a mailbox, its events and its history get; around it lie many others.
FILL = [
    (
        "INSERT INTO actorqueues_message (uid, actor_id, queue, body, keeps_outcome, enqueued_at, failures, crashes)"
        " SELECT gen_random_uuid(), %(deep)s, 'increment', '{}', false, now(), 0, 0"
        " FROM generate_series(1, %(depth)s)"
    ),
    (
        "INSERT INTO actorqueues_actor (id, type, key, generation, status, epoch, careful, created_at, event_number,"
        f" held_reason, wake_at, worker_id) SELECT {AN_ACTOR}, 'ledger', 'k' || n, 1, 'live', 1, false, now(), 0, '',"
        " CASE WHEN n %% 2 = 0 THEN now() END, CASE WHEN n %% 2 = 1 THEN md5('w' || n %% 10)::uuid END"
        " FROM generate_series(1, %(width)s) n"
    ),
    (
        "INSERT INTO actorqueues_message (uid, actor_id, queue, body, keeps_outcome, enqueued_at, failures, crashes,"
        f" scheduled_at) SELECT {SOME_MESSAGE}, {SOME_ACTOR}, 'increment', '{{}}', false, now(), 0, 0,"
        " CASE WHEN n %% 4 = 0 THEN now() + interval '1 hour' END FROM generate_series(1, %(rest)s) n"
    ),
    (
        "INSERT INTO actorqueues_wake (type, actor_id, key)"
        " SELECT 'ledger', md5('a' || n %% 5000 %% %(crowd)s)::uuid, 'k' FROM generate_series(1, %(width)s * 2) n"
    ),
    (
        "INSERT INTO actorqueues_outcome (uid, actor_id, queue, status, settled_at, expires_at)"
        f" SELECT {SOME_MESSAGE}, {SOME_ACTOR}, 'increment', 'completed', now(), now() + n * interval '1 second'"
        " FROM generate_series(1, %(width)s * 2) n"
    ),
    (
        "INSERT INTO actorqueues_deduplication (id, message_uid, fingerprint, expires_at)"
        f" SELECT md5('d' || n)::uuid, {SOME_MESSAGE}, '', now() + n * interval '1 second'"
        " FROM generate_series(1, %(width)s * 2) n"
    ),
    (
        "INSERT INTO actorqueues_dead_letter (uid, actor_id, sequence, queue, keeps_outcome, enqueued_at, failures,"
        f" crashes, reason, died_at) SELECT md5('x' || n)::uuid, {SOME_ACTOR}, n, 'increment', false, now(), 1, 0,"
        " 'rejected', now() FROM generate_series(1, %(width)s) n"
    ),
    (
        "INSERT INTO actorqueues_event (actor_id, generation, number, name, data, created_at)"
        f" SELECT CASE WHEN n <= 1000 THEN %(deep)s ELSE {SOME_ACTOR} END, 1, n, 'moved', '{{}}', now()"
        " FROM generate_series(1, %(width)s * 2) n"
    ),
    (
        "INSERT INTO actorqueues_history (actor_id, kind, queue, note, happened_at)"
        f" SELECT CASE WHEN n <= 1000 THEN %(deep)s ELSE {SOME_ACTOR} END, 'failed', '', '', now()"
        " FROM generate_series(1, %(width)s) n"
    ),
    f"ANALYZE {', '.join(sorted(BIG))}",
]


@pytest.fixture
def spread():
    return ONE_DEEP


@pytest.fixture
def deep(backend, spread):
    """200,000 messages and more, some of them in an actor that a worker holds; wakes of 5,000 actors at most."""
    holder, actor = held_actor(backend)
    depth, rest, crowd = spread
    sizes = {"deep": actor.actor_id, "depth": depth, "rest": rest, "width": WIDTH, "crowd": crowd}
    with connections[backend].cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement, sizes)
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


def do_everything_hot(backend, holder, actor, ids):
    """What senders, workers, waiting callers and maintenance ask of the database, over and over."""
    dialect, connection = dialect_for(backend), connections[backend]
    send_in_every_way(backend)
    find_wakes(["ledger"], limit=100, using=backend)
    find_due(["ledger"], limit=100, using=backend)
    claimed = holder.claim(*ids)
    ring(holder.id, ids, using=backend)
    requests = [MailRequest(one.actor_id, one.epoch, {"increment": 100}, True) for one in [*claimed, actor]]
    read_mail(requests, using=backend)
    dialect.next_scheduled(connection, ids)
    first, *heads = heads_of(backend, actor.actor_id, limit=80)
    commit_every_operation(holder, actor, first, heads)
    holder.commit(*(chain_of(one, release()) for one in claimed))
    [again] = holder.claim(ids[0])
    holder.commit(chain_of(again, (Destroy("gone"),)))
    holder.claim(to("new").actor_id)
    ask_for_answers(backend, actor, heads)
    operate(backend, actor, heads)
    while prune(using=backend):
        pass
    survey(backend, [actor.actor_id, *ids])
    unknown_types(["ledger"], using=backend)
    unknown_queues({actor.actor_id: ["other"]}, using=backend)
    renew_lease(holder.id, lease=30, busy=1, resident=1, using=backend)
    reap_dead_workers(using=backend)
    reap_missing_workers(using=backend)
    dialect.transaction(lambda: requeue_actors_of(holder.id, using=backend), connection)


def send_in_every_way(backend):
    keyed = [to("keyed", dedupe="a"), to("keyed", idempotency="b", fingerprint="c")]
    for outgoing in ([to("new")], [to("new"), to("new")], keyed):
        store_messages(outgoing, using=backend)
    store_messages([to("main", requires_actor=True)], using=backend)
    store_messages([to("created", input="{}", delay=60)], using=backend)
    dialect_for(backend).count_depth(connections[backend], to("main").actor_id, "increment", 10_000)


def commit_every_operation(holder, actor, first, heads):
    steps = [step for head in heads[:50] for step in (begin(head), settle(head._replace(keeps_outcome=True)))]
    emitted = Emit([Emission(50_000, "moved", "{}")])
    buried = (Bury(heads[51]._replace(keeps_outcome=True), "rejected", "no", 1, 0), emitted)
    returned = (
        Return(failed_once(first), 1.0, "failed"),
        SaveState("1"),
        Send([to("new"), to("keyed", dedupe="x")]),
    )
    [result] = holder.commit(chain_of(actor, begin(heads[60]), *steps, buried, returned))
    assert result.status == "committed", result


def ask_for_answers(backend, actor, heads):
    read_outcomes([heads[0].uid, heads[70].uid], using=backend)
    message_status(heads[70].uid, using=backend)
    actor_exists(actor.actor_id, using=backend)
    read_events(actor.actor_id, after=0, limit=100, using=backend)
    read_progress(actor.actor_id, heads[0].uid, after=0, using=backend)
    last_progress_number(actor.actor_id, heads[0].uid, using=backend)
    listen(backend, [actor.actor_id, *(to(str(number)).actor_id for number in range(20))])


def listen(backend, actor_ids):
    newest = 10**9  # as always near the end of what there is
    for some in (actor_ids, actor_ids[:1]):
        read_new_events(dict.fromkeys(some, 0), newest - 5, using=backend)
        read_transient_events(some, newest - 5, using=backend)
    read_standings(actor_ids, using=backend)
    read_addressed_events(["7", "8"], newest - 5, using=backend)
    topics_after(newest - 5, using=backend)


def operate(backend, actor, heads):
    cancel_message(heads[71].uid, actor_id=actor.actor_id, using=backend)
    bury_message(heads[72].uid, actor_id=actor.actor_id, using=backend)
    replay_dead_letters(actor.actor_id, "ledger", "main", [heads[51].uid], using=backend)
    list(islice(purge_queue(actor.actor_id, "increment", using=backend), 2))
    list(islice(purge_type("ledger", "increment", using=backend), 3))
    pause_type("ledger", "increment", using=backend)
    resume_type("ledger", "increment", using=backend)


def survey(backend, actor_ids):
    """What the inspector and the doctor look at, of one actor and of many."""
    dialect, connection = dialect_for(backend), connections[backend]
    for some in (actor_ids, actor_ids[:1]):
        places = dialect.queues_with_mail(connection, some)
        dialect.read_marks(connection, [WantedHeads(*place, 20) for place in places])
        dialect.mailbox_depths(connection, some, 1000)
        dialect.owners_of_wakes(connection, ["ledger", "other"], some)
    dialect.due_longest(connection, ["ledger", "other"], dialect.now(connection), 50)


@only_postgresql
@pytest.mark.parametrize("spread", [ONE_DEEP, FEW_ALIKE], ids=["one deep", "few alike"])
def test_no_hot_statement_walks_a_big_table_or_index(deep, spread, backend, monkeypatch):
    holder, actor = deep
    ids = list(ActorInstance.objects.filter(worker_id=None).order_by("id").values_list("id", flat=True)[:200])
    with statements_of(monkeypatch) as seen:
        do_everything_hot(backend, holder, actor, ids)
    explained = {
        query: walks(explain(backend, query, params))
        for query, params in seen
        if "SAVEPOINT" not in query
        and not query.startswith("SELECT MAX(")  # that looks at the end of an index
    }
    assert len(explained) > 60
    if (
        spread is FEW_ALIKE
    ):  # that reads nearly all of few actors' events, of which each has a thousand at most
        explained = {query: found for query, found in explained.items() if "actorqueues_event t" not in query}
    assert [(found, query) for query, found in explained.items() if found] == []


@only_sqlite
def test_sqlites_hot_statements_use_their_indexes(backend):
    """Its plans do not depend on what is stored."""
    holder, actor = held_actor(backend, count=100)
    others = Holder(backend)
    ids = mail_for(backend, *(str(number) for number in range(20)))
    for one in others.claim(*ids):
        others.release(one)
    raw, seen = connections[backend].connection, []
    raw.set_trace_callback(seen.append)
    try:
        do_everything_hot(backend, holder, actor, ids)
    finally:
        raw.set_trace_callback(None)
    statements = [
        statement
        for statement in dict.fromkeys(seen)
        if statement.startswith(("SELECT", "UPDATE", "DELETE")) and any(table in statement for table in BIG)
    ]
    plans = [
        (row[3], statement)
        for statement in statements
        for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    ]
    assert len(plans) > 60
    # An index that is walked, too: "SCAN … USING INDEX".
    assert [plan for plan in plans if plan[0].startswith("SCAN actorqueues_")] == []


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


@only_postgresql
@pytest.mark.parametrize("given", [{"paused_at__isnull": False}, {"status": ActorStatus.HELD}])
def test_a_list_of_paused_or_held_actors_reads_only_those(deep, backend, monkeypatch, given):
    now = dialect_for(backend).now(connections[backend])
    some = ActorInstance.objects.using(backend).filter(key__in=("k1", "k500"))
    some.update(paused_at=now, status=ActorStatus.HELD)
    with statements_of(monkeypatch) as seen:
        found = list(ActorInstance.objects.using(backend).filter(**given).order_by("type", "key")[:50])
    assert [actor.key for actor in found] == ["k1", "k500"]
    [(query, params)] = seen
    nodes = {node["Node Type"]: node.get("Index Name") for node in nodes_of(explain(backend, query, params))}
    assert "Sort" not in nodes
    assert nodes["Index Scan"] in ("aq_actor_paused", "aq_actor_held")


@only_sqlite
@pytest.mark.parametrize("given", [{"paused_at__isnull": False}, {"status": ActorStatus.HELD}])
def test_sqlites_list_of_paused_or_held_actors_reads_only_those(backend, given):
    listed = ActorInstance.objects.using(backend).filter(**given).order_by("type", "key")[:50]
    plan = listed.explain()
    assert "USING INDEX aq_actor_paused" in plan or "USING INDEX aq_actor_held" in plan
