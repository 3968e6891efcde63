"""The journal: activations submit, one writer commits all that waits in one transaction, then they go on."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from actorqueues.conf import settings
from actorqueues.events.publishing import tell_listeners
from actorqueues.exceptions import LeaseLost
from actorqueues.runtime.chains import FIRST_LOCKED_PAUSE, LONGEST_LOCKED_PAUSE, ActivationChain
from actorqueues.runtime.statistics import Tally
from actorqueues.runtime.telling import tell_sent
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.journal import commit_batch
from actorqueues.storage.operations import Bury, Chain, ChainResult, Emission, Emit, Send, Settle
from actorqueues.storage.statistics import Counted
from actorqueues.wakeups import announce_after_commit

if TYPE_CHECKING:
    from actorqueues.runtime.threads import Threads

logger = logging.getLogger("actorqueues.journal")

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between two tries while the database is away
SMALL_BATCH = 16  # steps
MOST_WAITING = 2  # full batches of chains: with more the journal is behind
ENOUGH = 3  # full batches of steps


class JournalWriter:
    """One a worker. Its batch is as large as the load makes it."""

    def __init__(
        self,
        worker_id: UUID,
        threads: Threads,
        using: str,
        on_lost: Callable[[Exception], Any],
        on_caught_up: Callable[[], Any],
    ) -> None:
        self.worker_id, self.threads, self.using = worker_id, threads, using
        self.on_lost, self.on_caught_up = on_lost, on_caught_up
        self.dialect = dialect_for(using)
        self.sequence = 0
        self.commits = self.steps = 0  # done so far
        self.dirty: dict[ActivationChain, None] = {}
        self.waiting = 0  # steps that no commit has taken yet
        self.alone: list[ActivationChain] = []  # waited on a lock: commits by itself
        self.tally = Tally(keeps=settings.STATISTICS_RETENTION > 0 and not threads.inline)
        self.bell = asyncio.Event()
        self.closing = False
        self.is_lost = False
        self.is_behind = False  # more wait than the next commits can take

    @property
    def has_room(self) -> bool:
        return self.waiting < ENOUGH * self.dialect.journal_batch

    def expect(self, chain: ActivationChain) -> None:
        if self.is_lost:
            chain.fail(LeaseLost(worker=str(self.worker_id)))
        elif not chain.under_way:
            self.dirty[chain] = None
            self.is_behind = self.is_behind or len(self.dirty) > MOST_WAITING * self.dialect.journal_batch
            self.bell.set()

    async def run(self) -> None:
        while not (self.closing and not self.dirty and self.tally.is_empty):
            await self.bell.wait()
            self.bell.clear()
            while (self.dirty or self.tally.finished) and not self.is_lost:
                written = await self.write()
                # A writer that is busy leaves room for others after each commit; a lone message need not wait.
                if written > SMALL_BATCH and self.dialect.journal_pause and not self.threads.inline:
                    await asyncio.sleep(self.dialect.journal_pause)
            if self.is_lost:
                return
            if self.closing:  # the last minute is not lost with an orderly end
                self.tally.turn(self.tally.now())
                self.bell.set()

    async def write(self) -> int:
        """Commits what waits; returns how many steps that were."""
        taken, counted = self.take(), self.tally.take()
        if not taken and not counted:
            return 0
        self.sequence += 1
        try:
            results = await self.commit([chain for _, chain in taken], counted)
        except LeaseLost as error:
            self.lose(error, [activation for activation, _ in taken])
            return 0
        for (activation, chain), result in zip(taken, results, strict=True):
            self.settle(activation, chain, result)
        written = sum(len(chain.steps) for _, chain in taken)
        self.commits, self.steps = self.commits + 1, self.steps + written
        if self.is_behind and len(self.dirty) <= self.dialect.journal_batch:
            self.is_behind = False
            self.on_caught_up()
        return written

    def take(self) -> list[tuple[ActivationChain, Chain]]:
        room, taken = self.dialect.journal_batch, []
        chosen = [self.alone.pop(0)] if self.alone else list(self.dirty)
        for activation in chosen:
            self.dirty.pop(activation, None)
            if activation.held or not activation.waiting:
                continue
            count = min(room, len(activation.waiting))
            steps, activation.waiting = activation.waiting[:count], activation.waiting[count:]
            chain = Chain(activation.actor_id, activation.generation, activation.epoch, steps)
            activation.under_way = True
            taken.append((activation, chain))
            room -= count
            self.waiting -= count
            if activation.waiting or room == 0:
                break
        return taken

    async def commit(self, chains: Sequence[Chain], counted: Sequence[Counted]) -> list[ChainResult]:
        """Until the database has answered: the same batch under the same number, so it cannot be applied twice."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await self.threads.journal(
                    commit_and_announce, self.worker_id, self.sequence, chains, counted, using=self.using
                )
            except (DatabaseError, InterfaceError) as error:
                if self.is_lost:
                    raise LeaseLost(worker=str(self.worker_id)) from error
                text = "the journal could not write, and tries again: %s"
                logger.warning(text, error, extra={"worker_id": self.worker_id.hex})
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)

    def settle(self, activation: ActivationChain, chain: Chain, result: ChainResult) -> None:
        activation.under_way = False
        done = chain.steps[: result.applied]
        self.tally.count(activation.actor_type, done, result.committed_at)
        tell_sent(done, result.repeats, self.threads.lanes)
        if result.status == "committed":
            activation.locked_pause = FIRST_LOCKED_PAUSE
            activation.confirm(len(chain.steps))
        elif result.status == "locked":
            activation.confirm(result.applied)
            activation.waiting[:0] = rest = chain.steps[result.applied :]
            self.waiting += len(rest)
            activation.under_way = True  # until its turn comes again
            asyncio.get_running_loop().call_later(activation.locked_pause, self.retry_alone, activation)
            activation.locked_pause = min(activation.locked_pause * 2, LONGEST_LOCKED_PAUSE)
            return
        elif result.status == "stale":
            activation.fail(LeaseLost(actor=str(activation.actor_id)))
        else:
            activation.refuse(result, chain)
        if activation.waiting:
            self.expect(activation)

    def retry_alone(self, activation: ActivationChain) -> None:
        activation.under_way = False
        self.alone.append(activation)
        self.expect(activation)

    def lose(self, error: Exception, activations: Sequence[ActivationChain]) -> None:
        self.is_lost = True
        for activation in activations:
            activation.fail(error)
        self.on_lost(error)

    def give_up(self, chains: Iterable[ActivationChain]) -> None:
        """Nothing is written any more: whoever waits for one of these commits, or for any other, is told now."""
        self.is_lost = True
        for chain in [*chains, *self.dirty]:
            chain.fail(LeaseLost(worker=str(self.worker_id)))

    def close(self) -> None:
        self.closing = True
        self.bell.set()


def commit_and_announce(
    worker_id: UUID, sequence: int, chains: Sequence[Chain], counted: Sequence[Counted], *, using: str
) -> list[ChainResult]:
    """Hints leave after their commit, never before."""
    results = commit_batch(worker_id, sequence, chains, counted=counted, using=using)
    sent: set[UUID] = set()
    done: set[UUID] = set()
    told: list[tuple[UUID, Emission]] = []
    for chain, result in zip(chains, results, strict=True):
        for operation in itertools.chain(*chain.steps[: result.applied]):
            # For every operation of a drain: isinstance with a union takes four times as long.
            if type(operation) is Send:
                sent.update(one.actor_id for one in operation.outgoing)
            elif (type(operation) is Settle or type(operation) is Bury) and operation.head.keeps_outcome:
                done.add(operation.head.uid)
            elif type(operation) is Emit:
                told += [(chain.actor_id, one) for one in operation.events]
    if sent:
        announce_after_commit("work", sent, using=using)
    if done:
        announce_after_commit("done", done, using=using)
    tell_listeners(told, using=using)
    return results
