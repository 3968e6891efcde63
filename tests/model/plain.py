"""What the store should be, in plain Python: lists, and the rules of the design as directly as they can be said."""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from actorqueues.storage.operations import Bury, Destroy, Emit, Release, Return, Send, Settle, Start

DAY = 24 * 3600
OUTCOMES_KEPT = 600
DEAD_LETTERS_KEPT = TOMBSTONES_KEPT = 30 * DAY
QUEUES = ("increment", "note")


@dataclass
class Letter:
    """One message; times are seconds since the example began."""

    uid: Any
    number: int
    queue: str
    keeps: bool = False
    key: str | None = None
    scheduled_at: float | None = None
    started: bool = False
    failures: int = 0
    crashes: int = 0
    retry_at: float | None = None


@dataclass
class PlainActor:
    exists: bool = False  # whether it has a row
    status: str = "live"
    generation: int = 1
    epoch: int = 0
    holder: Any = None
    careful: bool = False
    paused: bool = False
    event_number: int = 0
    destroyed_at: float = 0
    mail: list[Letter] = field(default_factory=list)  # in its order, over all queues
    scheduled: list[Letter] = field(default_factory=list)
    unheard: set = field(
        default_factory=set
    )  # came since its holder heard the doorbell, and reads after that
    settled: list[int] = field(default_factory=list)  # of this generation: its state is their fold

    def find(self, uid):
        return next((letter for letter in self.mail if letter.uid == uid), None)

    def heads(self, queue):
        return [letter for letter in self.mail if letter.queue == queue]

    @property
    def has_mail(self):
        return bool(self.mail or self.scheduled)

    def claimable_by(self, worker):
        """Its own, too, if it does not run it: the answer to an earlier claim was lost."""
        if self.holder not in (None, worker) or self.paused:
            return False
        return self.has_mail if self.status == "destroyed" else True


class PlainStore:
    def __init__(self, keys):
        self.now = 0.0
        self.actors = {key: PlainActor() for key in keys}
        self.dedupe_keys = {}  # (actor, queue, key) -> the first one's uid, and until when
        self.outcomes = {}  # uid -> status, reply, until when
        self.dead = {}  # uid -> whose it was, and when it died
        self.fates = {}  # uid -> how it ended, once
        self.numbers = {}  # uid -> number, of everything that was stored
        self.uids = {}  # what holders have read: sequence number -> uid
        self.paused_queues = set()

    # Senders

    def send(self, key, letter, window=0.0):
        """The id under which it is stored: its own, or the first one's with an equal key."""
        name = (key, letter.queue, letter.key)
        if letter.key is not None:
            first, until = self.dedupe_keys.get(name, (None, 0))
            if until > self.now:
                return first
            self.dedupe_keys[name] = (letter.uid, self.now + window)
        actor = self.actors[key]
        (actor.mail if letter.scheduled_at is None else actor.scheduled).append(letter)
        actor.unheard.add(letter.uid)
        self.numbers[letter.uid] = letter.number
        return letter.uid

    def cancel(self, key, uid):
        actor = self.actors[key]
        letter = next((one for one in actor.mail + actor.scheduled if one.uid == uid), None)
        if letter is None or letter.started or letter.failures or letter.crashes:
            return False
        self.take_away(key, letter, "cancelled")
        return True

    def take_away(self, key, letter, fate):
        actor, name = self.actors[key], (key, letter.queue, letter.key)
        (actor.mail if letter in actor.mail else actor.scheduled).remove(letter)
        if self.dedupe_keys.get(name, (None, 0))[0] == letter.uid:
            del self.dedupe_keys[name]
        self.end(letter, fate, "failed")

    def purge(self, key, queue):
        actor = self.actors[key]
        doomed = [one for one in actor.mail + actor.scheduled if one.queue == queue and not one.started]
        for letter in doomed:
            self.take_away(key, letter, "purged")
        return len(doomed)

    def bury(self, key, uid):
        actor = self.actors[key]
        letter = next((one for one in actor.mail + actor.scheduled if one.uid == uid), None)
        if letter is None:
            return "gone"
        actor.exists = True
        if letter.started:
            return "in flight"
        (actor.mail if letter in actor.mail else actor.scheduled).remove(letter)
        self.dead[uid] = (key, self.now)
        self.end(letter, "dead", "failed")
        return "done"

    def mark_destroying(self, key):
        actor = self.actors[key]
        if not (actor.exists and actor.status == "live") and not (
            actor.status != "destroying" and actor.has_mail
        ):
            return False
        actor.exists, actor.status = True, "destroying"
        return True

    # Holders

    def promote(self, key):
        actor = self.actors[key]
        due = sorted(
            (one for one in actor.scheduled if one.scheduled_at <= self.now), key=lambda one: one.scheduled_at
        )
        for letter in due:
            actor.scheduled.remove(letter)
            letter.scheduled_at = None
            actor.mail.append(letter)

    def claim(self, key, worker):
        actor = self.actors[key]
        actor.exists, actor.holder = True, worker
        actor.unheard.clear()
        if actor.status == "destroyed":
            actor.status = "live"

    def hear(self, worker):
        for actor in self.actors.values():
            if actor.holder == worker:
                actor.unheard.clear()

    def free(self, worker):
        """What a dead or retiring worker held; the actors that came free."""
        freed = [actor for actor in self.actors.values() if actor.holder == worker]
        for actor in freed:
            actor.holder, actor.careful = None, True
        return freed

    def commit(self, batch):
        """Applies ``(key, chain)`` pairs; gives ``(status, steps applied)`` of each."""
        trial = copy.deepcopy(self)
        results = trial.commit_together(batch)
        if all(status != "refused" for status, _ in results):
            self.__dict__ = trial.__dict__
            return results
        return [self.commit_apart(key, chain) for key, chain in batch]

    def commit_together(self, batch):
        """All chains stage by stage: changes, then sends, then releases and destroys."""
        results, going = [], []
        for key, chain in batch:
            if self.actors[key].epoch != chain.epoch:
                results.append(("stale", 0))
            elif not all(self.is_possible(key, step) for step in chain.steps):
                results.append(("refused", 0))
            else:
                results.append(("committed", len(chain.steps)))
                going += [(key, step) for step in chain.steps]
        self.apply(going)
        return results

    def commit_apart(self, key, chain):
        """One chain step by step, up to the first that is refused."""
        if self.actors[key].epoch != chain.epoch:
            return "stale", 0
        for place, step in enumerate(chain.steps):
            if not self.is_possible(key, step):
                return "refused", place
            self.apply([(key, step)])
        return "committed", len(chain.steps)

    def is_possible(self, key, step):
        wanted = [self.uid_of(operation) for operation in step]
        return all(self.actors[key].find(uid) is not None for uid in wanted if uid is not None)

    def uid_of(self, operation):
        """The message that must be there for this; None where it needs none."""
        match operation:
            case Start():
                return self.uids[operation.message_id]
            case Settle() | Bury() | Return():
                return operation.head.uid

    def apply(self, steps):
        flat = [(key, operation) for key, step in steps for operation in step]
        for stage in ((Start, Settle, Bury, Return, Emit), (Send,), (Release,), (Destroy,)):
            for key, operation in flat:
                if isinstance(operation, stage):
                    self.change(key, operation)

    def change(self, key, operation):
        actor = self.actors[key]
        letter = actor.find(self.uid_of(operation))
        match operation:
            case Start():
                letter.started = True
            case Settle():
                actor.mail.remove(letter)
                actor.settled.append(letter.number)
                self.end(letter, "settled", "completed", operation.reply)
            case Bury():
                actor.mail.remove(letter)
                self.dead[letter.uid] = (key, self.now)
                self.end(letter, "dead", "failed")
            case Return():
                letter.started = False
                letter.failures, letter.crashes = operation.head.failures, operation.head.crashes
                letter.retry_at = None if operation.delay is None else self.now + operation.delay
            case Emit():
                actor.event_number = operation.events[-1].number
            case Send():
                for outgoing in operation.outgoing:
                    letter = Letter(outgoing.uid, json.loads(outgoing.body)["number"], outgoing.queue)
                    self.send(outgoing.actor_key, letter)
            case Release():
                actor.holder, actor.careful = None, False
            case Destroy():
                self.destroy(key)

    def destroy(self, key):
        actor = self.actors[key]
        for letter in actor.mail + actor.scheduled:
            self.end(letter, "destroyed", "failed")
        self.dead = {uid: (owner, died) for uid, (owner, died) in self.dead.items() if owner != key}
        tombstone = PlainActor(True, "destroyed", actor.generation + 1, actor.epoch, destroyed_at=self.now)
        self.actors[key] = tombstone

    def end(self, letter, fate, status, reply=None):
        assert letter.uid not in self.fates, "a message ended twice"
        self.fates[letter.uid] = fate
        if letter.keeps:
            self.outcomes[letter.uid] = (status, reply, self.now + OUTCOMES_KEPT)

    # Time

    def prune(self):
        self.outcomes = {uid: row for uid, row in self.outcomes.items() if row[2] > self.now}
        self.dead = {uid: row for uid, row in self.dead.items() if row[1] + DEAD_LETTERS_KEPT > self.now}

    def due_at(self, key):
        """When somebody must look at a free actor next; None: never."""
        actor = self.actors[key]
        if actor.status == "destroying":
            return self.now
        times = [letter.scheduled_at for letter in actor.scheduled]
        for queue in QUEUES:
            if queue not in self.paused_queues and (heads := actor.heads(queue)):
                times.append(heads[0].retry_at or self.now)
        return min(times, default=None)
