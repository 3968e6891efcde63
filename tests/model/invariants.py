"""What must be true after every step."""

import json

from hypothesis.stateful import invariant

from actorqueues.models import ActorInstance, DeadLetter, Message, Outcome, Wake, Worker
from tests.model.plans import IDS, KEYS


class StoreAsModel:
    """The part of the machine that compares the store with the model."""

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
