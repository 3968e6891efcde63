"""Senders, operators and time: what happens to a store beside its workers."""

import json
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from actorqueues import clock
from actorqueues.models import ActorInstance
from actorqueues.storage.actors import mark_destroying
from actorqueues.storage.burying import bury_message
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.pausing import pause_actor, pause_type, resume_actor, resume_type
from actorqueues.storage.pruning import prune
from actorqueues.storage.purging import purge_queue, purge_type
from actorqueues.storage.sending import store_messages
from tests.model.plain import DAY, TOMBSTONES_KEPT, Letter
from tests.model.plans import (
    WINDOW,
    a_key,
    a_queue,
    parcels,
)
from tests.storage.outgoing import to


class Outside:
    """The part of the machine that sends, changes from outside, and lets time pass."""

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
            [
                "cancel", "cancel", "bury", "bury", "purge", "purge all",
                "destroy", "pause", "resume", "pause queue", "resume queue",
            ]
        ),
    )  # fmt: skip
    def change_from_outside(self, key, queue, place, what):
        actor_id, actor = to(key).actor_id, self.model.actors[key]
        if what == "cancel" and self.sent:
            self.cancel(*self.sent[-1 - place % len(self.sent)])
        elif what == "bury" and self.sent:
            self.bury(*self.sent[-1 - place % len(self.sent)])
        elif what == "purge":
            parts = purge_queue(actor_id, queue, using=self.using)
            assert sum(part.messages for part in parts) == self.model.purge(key, queue)
        elif what == "purge all":
            parts = purge_type("ledger", queue, using=self.using)
            purged = [self.model.purge(one, queue) for one in self.model.actors]
            assert sum(part.messages for part in parts) == sum(purged)
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

    def bury(self, key, uid):
        done = bury_message(uid, actor_id=to(key).actor_id, using=self.using)
        assert done.value == self.model.bury(key, uid)

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
