"""PostgreSQL updates a row in place (HOT) when no index is about what changes, and its page has room."""

from django.db import connections

from actorqueues import Actor, Queue
from actorqueues.models import Message
from actorqueues.storage.operations import Return, SaveState
from tests.fixtures.backends import only_postgresql
from tests.fixtures.workers import eventually
from tests.storage.leases import begin, chain_of, failed_once, heads_of, held_actor, mail_for, settle

SHARE = 0.95
ACTORS, MESSAGES = 40, 60


def forget_updates(backend):
    with connections[backend].cursor() as cursor:
        cursor.execute("VACUUM actorqueues_message, actorqueues_actor")
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_reset()")


def updates_of(backend, table):
    """How many rows were updated, and how many of them in place. (Other sessions tell it within a second.)"""
    with connections[backend].cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s", [table])
        return cursor.fetchone()


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


@only_postgresql
def test_a_worker_with_busy_actors_updates_in_place(backend, empty_registry, start_worker):
    """Claim and release change indexed columns. They come once, however much an actor does between them."""

    class Busy(Actor):
        initial_state = {"sum": 0}
        add = Queue(int)

        async def run(self) -> None:
            async for message in self.add.iter(completable=True):
                self.state["sum"] += message.body
                await message.complete()  # durable: each message is two commits, whatever the machine's speed

    for number in range(ACTORS):
        Busy.get_or_create(str(number)).send(Busy.add, 1)
    serve_all(start_worker)
    # Its sessions tell what they counted when they end. Each actor: claim, first state and release at least.
    eventually(lambda: updates_of(backend, "actorqueues_actor")[0] >= 3 * ACTORS)
    forget_updates(backend)
    for number in range(ACTORS):
        Busy.get_or_create(str(number)).send_many(Busy.add, [1] * MESSAGES)
    serve_all(start_worker)
    assert Busy.get_or_create("0").get_state() == {"sum": 1 + MESSAGES}
    for table in ("actorqueues_message", "actorqueues_actor"):
        eventually(lambda table=table: updates_of(backend, table)[0] >= ACTORS * MESSAGES)
        changed, in_place = updates_of(backend, table)
        assert in_place >= SHARE * changed


def serve_all(start_worker):
    worker = start_worker(sleep_after=60)
    eventually(lambda: not Message.objects.exists(), timeout=60)
    worker.stop()
