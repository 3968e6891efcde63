"""Workers and senders who do anything in any order, each step held against the model."""

import json
from datetime import timedelta
from uuid import UUID

from django.db import connections
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from actorqueues import clock
from actorqueues.exceptions import LeaseLost
from actorqueues.models import Message, Worker
from actorqueues.storage.claiming import find_due, find_wakes, ring
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.mailboxes import MailRequest, read_mail
from actorqueues.storage.operations import (
    Chain,
    Destroy,
    Release,
)
from actorqueues.storage.workers import reap_dead_workers, renew_lease, retire_worker
from tests.model.invariants import StoreAsModel
from tests.model.outside import Outside
from tests.model.plain import DAY, QUEUES, PlainStore
from tests.model.plans import (
    IDS,
    KEYS,
    LEASE,
    LIMIT,
    TABLES,
    a_queue,
    a_turn,
    an_ending,
    plans,
    some_worker,
)
from tests.model.simulated import Lease, SimulatedWorker, Working
from tests.storage.leases import Holder


class StoreMachine(Outside, Working, StoreAsModel, RuleBasedStateMachine):
    def __init__(self, using):
        super().__init__()
        self.using, self.connection, self.dialect = using, connections[using], dialect_for(using)
        self.empty_tables()
        clock.offset = timedelta(0)
        self.began = self.dialect.now(self.connection)
        self.model = PlainStore(KEYS)
        self.workers: list[SimulatedWorker] = []
        self.sent: list[tuple[str, UUID]] = []
        self.number = 0
        self.epochs = dict.fromkeys(KEYS, 0)
        self.is_sound = True
        for _ in range(2):
            self.start_worker()

    def empty_tables(self):
        with self.connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"DELETE FROM actorqueues_{table}")

    # Workers

    @rule(
        place=some_worker,
        what=st.sampled_from(["renew", "retire", "is lost", "is reaped"]),
    )
    def a_worker(self, place, what):
        worker = self.pick(place)
        if what == "renew":
            self.renew(worker)
        elif what == "retire":
            freed = self.model.free(worker.holder.id)
            assert retire_worker(worker.holder.id, using=self.using) == len(freed)
            self.bury_worker(worker)
        elif what.startswith("is"):
            # Its process is gone or stands still. What it writes after that is tried as well.
            now = self.dialect.now(self.connection)
            assert Worker.objects.filter(id=worker.holder.id).update(expires_at=now) == (not worker.reaped)
            worker.expires_at = self.model.now
            if what == "is reaped":
                self.reap()

    def start_worker(self):
        holder = Holder(self.using, lease=LEASE)
        self.workers.append(SimulatedWorker(holder, self.model.now + LEASE))

    def bury_worker(self, worker):
        worker.reaped = True
        self.start_worker()  # another takes its place, and what the dead one still does has no effect

    def pick(self, place):
        """One of the youngest: some are alive, some are not."""
        return self.workers[-1 - place % min(3, len(self.workers))]

    def renew(self, worker):
        alive = not worker.reaped and worker.expires_at > self.model.now
        renewed = renew_lease(worker.holder.id, lease=LEASE, busy=0, resident=0, using=self.using)
        assert renewed == alive
        if alive:
            worker.expires_at = self.model.now + LEASE

    def reap(self):
        freed = 0
        for worker in list(self.workers):
            if not worker.reaped and worker.expires_at <= self.model.now:
                freed += len(self.model.free(worker.holder.id))
                self.bury_worker(worker)
        assert reap_dead_workers(using=self.using) == freed

    @rule(turns=st.lists(a_turn, min_size=1, max_size=3))
    def take_turns(self, turns):
        """As workers do it, while others send: look for work, ring, read, work, commit."""
        for place, loses, rings, cancels, sent, works in turns:
            self.send(sent)
            worker = self.pick(place)
            self.look_for_work(worker, answered=not loses)
            self.the_store_is_as_the_model()
            if rings:
                ids = [lease.claimed.actor_id for lease in worker.leases.values()]
                ring(worker.holder.id, ids, using=self.using)
                self.model.hear(worker.holder.id)
            self.read_mail_of(worker)
            if cancels:  # what was just read: a step that needs it is refused
                read = [
                    (lease.key, *lease.buffers[queue]) for lease in worker.leases.values() for queue in QUEUES
                ]
                for key, *heads in read:
                    if len(heads) > 1:
                        self.cancel(key, heads[1].uid)
            self.work(worker, works)
            self.the_store_is_as_the_model()

    def look_for_work(self, worker, *, answered=True):
        """Finds what there is and claims it. An expired worker claims nothing."""
        found = [one for one in {*worker.hints, *self.found()} if IDS[one] not in worker.leases]
        try:
            claimed = worker.holder.claim(*found)
        except LeaseLost:
            assert worker.reaped or worker.expires_at <= self.model.now
            return
        assert not worker.reaped
        worker.hints = set() if answered else set(found)
        expected = {IDS[one] for one in found if self.model.actors[IDS[one]].claimable_by(worker.holder.id)}
        assert {actor.key for actor in claimed} == expected
        for actor in claimed:
            plain = self.model.actors[actor.key]
            as_claimed = (actor.status, actor.generation, actor.careful, actor.event_number)
            assert as_claimed == (plain.status, plain.generation, plain.careful, plain.event_number)
            assert actor.epoch > self.epochs[actor.key]
            values = json.loads(actor.state) if actor.state else []
            assert values == plain.settled
            if answered:
                worker.leases[actor.key] = Lease(actor.key, actor, values, actor.event_number)
            self.model.claim(actor.key, worker.holder.id)

    def found(self):
        wakes = [actor_id for _, actor_id in find_wakes(["ledger"], limit=10, using=self.using)]
        return list(dict.fromkeys([*wakes, *find_due(["ledger"], limit=10, using=self.using)]))

    def read_mail_of(self, worker):
        limits = dict.fromkeys(QUEUES, LIMIT)
        requests = [
            MailRequest(lease.claimed.actor_id, lease.epoch, limits, True) for lease in worker.leases.values()
        ]
        _, mail = read_mail(requests, using=self.using)
        for key, lease in list(worker.leases.items()):
            answer, actor = mail[lease.claimed.actor_id], self.model.actors[key]
            assert answer.ours == (actor.exists and lease.epoch == actor.epoch)
            if not answer.ours:
                continue  # a stale worker may go on with what it has: it must do no harm
            self.model.promote(key)
            assert (answer.destroying, answer.paused) == (actor.status == "destroying", actor.paused)
            for queue in QUEUES:
                heads = [head for head in answer.heads if head.queue == queue]
                assert [head.uid for head in heads] == [one.uid for one in actor.heads(queue)[:LIMIT]]
                lease.buffers[queue] = heads
                self.model.uids.update((head.id, head.uid) for head in heads)

    @rule(place=some_worker, works=plans)
    def commit(self, place, works):
        """Without another look: with the mail that was read some time ago."""
        self.work(self.pick(place), works)

    def work(self, worker, works):
        """One batch of the journal: a chain for each actor that the worker believes to be its own."""
        batch = [
            (key, self.chain_of(worker.leases[key], some, end))
            for key, some, end in works
            if key in worker.leases
        ]
        if batch:
            self.commit_batch(worker, batch)

    def commit_batch(self, worker, batch):
        chains = [chain for _, chain in batch]
        try:
            results = worker.holder.commit(*chains)
        except LeaseLost:
            assert worker.reaped
            worker.leases.clear()
            return
        assert not worker.reaped
        assert [(result.status, result.applied) for result in results] == self.model.commit(batch)
        worker.last = chains, results
        for (key, chain), result in zip(batch, results, strict=True):
            ended = isinstance(chain.steps[-1][0], Release | Destroy)
            if result.status == "stale" or (ended and result.status == "committed"):
                worker.over.append(worker.leases.pop(key))
            elif result.status == "refused":  # the activation ends, and loads what is committed
                again = Lease(key, worker.leases[key].claimed, list(self.model.actors[key].settled), 0)
                again.event_number = self.model.actors[key].event_number
                worker.leases[key] = again

    @rule(place=some_worker, repeats=st.booleans(), work=an_ending, queue=a_queue)
    def write_what_must_have_no_effect(self, place, repeats, work, queue):
        worker = self.pick(place)
        if repeats and worker.last:
            self.repeat_last_batch(worker)
        elif worker.over and not worker.reaped:
            lease = worker.over[-1]
            chain = self.chain_of(lease, [(work, queue)], "release")
            [result] = worker.holder.commit(chain)
            assert (
                [(result.status, result.applied)] == self.model.commit([(lease.key, chain)]) == [("stale", 0)]
            )
            worker.last = [chain], [result]

    def repeat_last_batch(self, worker):
        """Its connection was lost: the same batch again changes nothing and tells the same."""
        chains, results = worker.last
        try:
            again = worker.holder.repeat(*chains)
        except LeaseLost:
            assert worker.reaped
            return
        told = [(result.status, result.applied, result.reason) for result in again]
        assert told == [(result.status, result.applied, result.reason) for result in results]

    # The end

    def teardown(self):
        """However it came so far: one worker finishes all of it, and every message ends once."""
        try:
            if self.is_sound:
                self.finish_everything()
        finally:
            clock.offset = timedelta(0)

    def finish_everything(self):
        for queue in QUEUES:
            self.change_from_outside("a", queue, 0, "resume queue")
        for key in KEYS:
            self.change_from_outside(key, "note", 0, "resume")
        self.move_clock(10 * DAY)
        self.reap()
        self.start_worker()
        worker = self.workers[-1]
        for _ in range(2 + len(self.model.numbers)):
            if not self.found():
                break
            self.look_for_work(worker)
            self.the_store_is_as_the_model()
            self.read_mail_of(worker)
            for key in list(worker.leases):
                self.commit_batch(worker, [(key, self.last_chain(worker.leases[key]))])
                self.the_store_is_as_the_model()
        assert not Message.objects.exists()
        assert set(self.model.fates) == set(self.model.numbers)

    def last_chain(self, lease):
        if self.model.actors[lease.key].status == "destroying":
            return Chain(lease.claimed.actor_id, lease.claimed.generation, lease.epoch, [(Destroy("gone"),)])
        return self.chain_of(lease, [("settle", queue) for queue in QUEUES for _ in range(LIMIT)], "release")
