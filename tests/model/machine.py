"""Workers and senders who do anything in any order, each step held against the model."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import connections
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actorqueues import clock
from actorqueues.exceptions import LeaseLost
from actorqueues.models import ActorInstance, DeadLetter, Message, Outcome, Wake, Worker
from actorqueues.storage.actors import mark_destroying
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.claiming import find_due, find_wakes, ring
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.mailboxes import MailRequest, read_mail
from actorqueues.storage.operations import (
    Bury,
    Chain,
    Destroy,
    Emission,
    Emit,
    Release,
    Return,
    SaveState,
    Send,
    Settle,
    Start,
)
from actorqueues.storage.pausing import pause_actor, pause_type, resume_actor, resume_type
from actorqueues.storage.pruning import prune
from actorqueues.storage.sending import store_messages
from actorqueues.storage.workers import reap_dead_workers, renew_lease, retire_worker
from tests.model.plain import DAY, QUEUES, TOMBSTONES_KEPT, Letter, PlainStore
from tests.storage.leases import Holder
from tests.storage.outgoing import to

KEYS = ("a", "b", "c")
IDS = {to(key).actor_id: key for key in KEYS}
LEASE = WINDOW = 2500.0  # time moves in steps of 1,000 s: no deadline is ever near
LIMIT = 4  # heads read at once
TABLES = (
    "actor",
    "message",
    "wake",
    "outcome",
    "deduplication",
    "dead_letter",
    "event",
    "pause",
    "worker",
    "journal",
)

a_key, a_queue = st.sampled_from(KEYS), st.sampled_from(QUEUES)
some_worker = st.integers(0, 2)
an_ending = st.sampled_from(["settle", "settle", "settle and send", "fail", "crash", "bury", "start", "save"])
a_plan = st.tuples(
    a_key,
    st.lists(st.tuples(an_ending, a_queue), min_size=1, max_size=4),
    st.sampled_from(["", "", "", "release", "destroy"]),
)
a_parcel = st.tuples(
    a_key,
    a_queue,
    st.booleans(),  # whether it keeps its outcome
    st.sampled_from([None, None, None, 500, 1500]),  # its delay
    st.sampled_from([None, None, "x", "y"]),  # its dedupe key
    st.integers(1, 3),  # how many of it
)
parcels = st.lists(a_parcel, min_size=1, max_size=2)
plans = st.lists(a_plan, min_size=1, max_size=3, unique_by=lambda plan: plan[0])
a_turn = st.tuples(
    some_worker,
    st.sampled_from([False, False, False, True]),  # whether the answer to its claim is lost
    st.booleans(),  # whether it rings
    st.booleans(),  # whether somebody cancels what it has read
    parcels,
    plans,
)


@dataclass
class Lease:
    """What a worker believes about an actor that it claimed."""

    key: str
    claimed: object
    values: list[int]  # its state, as it runs in memory
    event_number: int
    buffers: dict[str, list] = field(default_factory=lambda: {queue: [] for queue in QUEUES})

    @property
    def epoch(self):
        return self.claimed.epoch


@dataclass
class SimulatedWorker:
    holder: Holder
    expires_at: float
    leases: dict[str, Lease] = field(default_factory=dict)
    reaped: bool = False
    hints: set[UUID] = field(default_factory=set)  # claims whose answer was lost
    over: list[Lease] = field(default_factory=list)  # released: nothing may be written with them any more
    last: tuple = ()  # the last batch and its results


class StoreMachine(RuleBasedStateMachine):
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

    # Senders and operators

    @rule(parcels=parcels)
    def send(self, parcels):
        for key, queue, keeps, delay, name, count in parcels:
            outgoing = [
                self.outgoing(key, queue, keeps_outcome=keeps, delay=delay, dedupe=name) for _ in range(count)
            ]
            stored = store_messages(outgoing, using=self.using)
            at = None if delay is None else self.model.now + delay
            for one, place in zip(outgoing, stored, strict=True):
                letter = Letter(one.uid, json.loads(one.body)["number"], queue, keeps, name, at)
                first = self.model.send(key, letter, WINDOW)
                assert place == (first, first != one.uid)
                self.sent.append((key, first))

    def outgoing(self, key, queue, *, dedupe=None, **given):
        self.number += 1
        meta = json.dumps({"keys": [to(key, queue, dedupe=dedupe).dedupe.hex]}) if dedupe else None
        body = json.dumps({"number": self.number})
        return to(key, queue, body=body, dedupe=dedupe, window=WINDOW, meta=meta, **given)

    @rule(
        key=a_key,
        queue=a_queue,
        place=st.integers(0, 5),
        what=st.sampled_from(
            ["cancel", "cancel", "destroy", "pause", "resume", "pause queue", "resume queue"]
        ),
    )
    def change_from_outside(self, key, queue, place, what):
        actor_id, actor = to(key).actor_id, self.model.actors[key]
        if what == "cancel" and self.sent:
            self.cancel(*self.sent[-1 - place % len(self.sent)])
        elif what == "destroy":
            marked = mark_destroying(actor_id, "ledger", key, using=self.using)
            assert marked == self.model.mark_destroying(key)
        elif what == "pause":
            pause_actor(actor_id, "ledger", key, using=self.using)
            actor.exists = actor.paused = True
        elif what == "resume":
            resume_actor(actor_id, "ledger", key, using=self.using)
            actor.paused = False
        elif what == "pause queue":
            pause_type("ledger", queue, using=self.using)
            self.model.paused_queues.add(queue)
        elif what == "resume queue":
            resume_type("ledger", queue, using=self.using)
            self.model.paused_queues.discard(queue)

    def cancel(self, key, uid):
        assert cancel_message(uid, actor_id=to(key).actor_id, using=self.using) == self.model.cancel(key, uid)

    # Time

    @rule(seconds=st.sampled_from([1000, 1000, 3000, 40 * DAY]), prunes=st.booleans())
    def time_passes(self, seconds, prunes):
        self.move_clock(seconds)
        if prunes:
            self.prune_what_has_expired()

    def move_clock(self, seconds):
        clock.offset += timedelta(seconds=seconds)
        self.model.now += seconds

    def prune_what_has_expired(self):
        while prune(using=self.using):
            pass
        self.model.prune()
        there = set(ActorInstance.objects.values_list("key", flat=True))
        for key, actor in self.model.actors.items():
            if actor.exists and key not in there:
                assert actor.status == "destroyed"
                assert not actor.has_mail
                assert actor.destroyed_at + TOMBSTONES_KEPT < self.model.now
                actor.exists, actor.generation, actor.status = False, 1, "live"

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

    def chain_of(self, lease, works, end):
        """Each message that the plan names is started, then what the plan says becomes of it."""
        steps, blocked = [], set()
        for work, queue in works:
            if work == "save":
                steps.append((SaveState(json.dumps(lease.values)),))
                continue
            if queue in blocked or not lease.buffers[queue]:
                continue
            head = lease.buffers[queue][0]
            if head.retry_at is not None and head.retry_at > self.dialect.now(self.connection):
                continue
            steps.append((Start(head.id),))
            if work == "start":
                blocked.add(queue)
                continue
            lease.buffers[queue].pop(0)
            steps.append(self.ending_of(lease, head, work))
            if work in ("fail", "crash"):
                blocked.add(queue)
                lease.buffers[queue].clear()  # its head has changed: read again
        if end == "release" or not steps:
            steps.append((Release("ledger", QUEUES),))
        elif end == "destroy" and self.model.actors[lease.key].status == "destroying":
            steps.append((Destroy("gone"),))
        return Chain(lease.claimed.actor_id, lease.claimed.generation, lease.epoch, steps)

    def ending_of(self, lease, head, work):
        if work == "fail":
            return (Return(head._replace(failures=head.failures + 1, error="boom"), 1500.0, "failed"),)
        if work == "crash":
            return (Return(head._replace(crashes=head.crashes + 1), None, "crashed"),)
        if work == "bury":
            return (Bury(head, "rejected", "no", head.failures, head.crashes),)
        lease.values.append(json.loads(head.body)["number"])
        lease.event_number += 1
        events = Emit([Emission(lease.event_number, "moved", "{}")])
        step = (Settle(head, str(lease.values[-1])), SaveState(json.dumps(lease.values)), events)
        if work == "settle and send":
            other = KEYS[(KEYS.index(lease.key) + 1) % len(KEYS)]
            step += (Send([self.outgoing(other, "note")]),)
        return step

    # What must be true after every step

    @invariant()
    def the_store_is_as_the_model(self):
        self.is_sound = False
        rows = {row.key: row for row in ActorInstance.objects.all()}
        self.actors_are_right(rows)
        self.messages_are_right()
        outcomes = {row.uid: (row.status, row.reply) for row in Outcome.objects.all()}
        assert outcomes == {uid: row[:2] for uid, row in self.model.outcomes.items()}
        assert set(DeadLetter.objects.values_list("uid", flat=True)) == set(self.model.dead)
        self.nothing_is_stranded(rows)
        self.is_sound = True

    def actors_are_right(self, rows):
        assert set(rows) == {key for key, actor in self.model.actors.items() if actor.exists}
        for key, row in rows.items():
            actor = self.model.actors[key]
            assert row.epoch >= self.epochs[key]
            if row.worker_id != actor.holder or row.status != actor.status:
                raise AssertionError(f"{key}: {row.status} at {row.worker_id}, not {actor}")
            assert (row.generation, row.careful) == (actor.generation, actor.careful)
            assert (row.paused_at is not None, row.event_number) == (actor.paused, actor.event_number)
            assert json.loads(row.state or "[]") == actor.settled
            actor.epoch = self.epochs[key] = row.epoch
            owners = [one for one in self.workers if key in one.leases and one.leases[key].epoch == row.epoch]
            assert len(owners) <= 1, "two live epochs"
            assert all(owner.holder.id == row.worker_id for owner in owners)
            ended = [lease.epoch for one in self.workers for lease in one.over if lease.key == key]
            ended += [one.leases[key].epoch for one in self.workers if one.reaped and key in one.leases]
            assert all(epoch < row.epoch for epoch in ended), "what is over could still be written with"

    def messages_are_right(self):
        stored = {key: [] for key in KEYS}
        for row in Message.objects.order_by("id"):
            due = row.scheduled_at is not None
            place = (
                row.uid,
                row.queue,
                row.started_at is not None,
                row.failures,
                row.crashes,
                row.retry_at is None,
            )
            stored[IDS[row.actor_id]].append((due, *place))
        for key, actor in self.model.actors.items():
            assert [one[1:] for one in stored[key] if not one[0]] == [
                (one.uid, one.queue, one.started, one.failures, one.crashes, one.retry_at is None)
                for one in actor.mail
            ]
            assert {one[1] for one in stored[key] if one[0]} == {one.uid for one in actor.scheduled}

    def nothing_is_stranded(self, rows):
        """Whoever is free and has something to do has a wake, or a time at which to look that is not too late."""
        woken = {IDS[actor_id] for actor_id in Wake.objects.values_list("actor_id", flat=True)}
        workers = set(Worker.objects.values_list("id", flat=True))
        assert workers == {one.holder.id for one in self.workers if not one.reaped}
        for key, actor in self.model.actors.items():
            due_at = self.model.due_at(key)
            if actor.holder is not None:
                assert actor.holder in workers
                assert key in woken or not actor.unheard, (
                    f"the holder of {key} is not told of {actor.unheard}"
                )
            elif due_at is not None and not actor.paused and key not in woken:
                assert rows[key].wake_at is not None, f"{key} is stranded: {actor}"
                assert (rows[key].wake_at - self.began).total_seconds() < max(due_at, self.model.now) + 400

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
