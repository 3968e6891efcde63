"""Workers as they act on the store: what each believes to hold, and the steps it would commit."""

import json
from dataclasses import dataclass, field
from uuid import UUID

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
from tests.model.plain import QUEUES
from tests.model.plans import KEYS
from tests.storage.leases import Holder


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


class Working:
    """The part of the machine that makes an activation's steps."""

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
