"""What one activation wants written: step after step, each durable before those that follow it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from actorqueues.exceptions import OperationRefused
from actorqueues.mailbox.receiver import StartRefused
from actorqueues.storage.operations import Chain, ChainResult, Operation, Start, Step

if TYPE_CHECKING:
    from actorqueues.runtime.journal import JournalWriter

# Steps of an activation that are not durable, two a message: at most 64 messages may be repeated after a crash.
MOST_AHEAD = 128
FEW_AHEAD = 4  # once the journal has enough for its next commits
# Seconds a chain waits for rows that somebody else has locked: each try may hold the journal up for as long as
# LOCK_WAIT, so that it must not come often.
FIRST_LOCKED_PAUSE, LONGEST_LOCKED_PAUSE = 0.005, 1.0


class ActivationChain:
    """The steps of one activation. Durable in order, or failed from one of them on."""

    def __init__(
        self, writer: JournalWriter, actor_type: str, actor_id: UUID, generation: int, epoch: int
    ) -> None:
        self.writer, self.actor_type = writer, actor_type
        self.actor_id, self.generation, self.epoch = actor_id, generation, epoch
        self.waiting: list[Step] = []  # short, and an empty deque is ten times as big
        self.submitted = 0
        self.confirmed = 0
        self.held = False
        self.under_way = False
        self.locked_pause = FIRST_LOCKED_PAUSE
        self.error: Exception | None = None
        self.refused: Step = ()  # the step that made it fail
        self.waiters: list[tuple[int, Callable[[], None], asyncio.Future[None] | None]] = []
        self.on_failure: Callable[[Exception], None] = lambda error: None

    @property
    def unconfirmed(self) -> int:
        return self.submitted - self.confirmed

    @property
    def may_run_ahead(self) -> bool:
        """Ahead of a journal that is behind would only mean more to keep in memory, and to repeat after a crash."""
        return self.unconfirmed < (MOST_AHEAD if self.writer.has_room else FEW_AHEAD)

    def submit(self, *operations: Operation) -> int:
        if self.error is not None:
            raise self.error
        self.waiting.append(operations)
        self.writer.waiting += 1
        self.submitted += 1
        if not self.held:
            self.writer.expect(self)
        return self.submitted

    def then(self, position: int, callback: Callable[[], None]) -> None:
        if self.confirmed >= position:
            callback()
        else:
            self.waiters.append((position, callback, None))

    async def durable(self, position: int | None = None) -> None:
        if self.error is not None:
            raise self.error
        wanted = self.submitted if position is None else position
        if self.confirmed >= wanted:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiters.append((wanted, lambda: None if future.done() else future.set_result(None), future))
        await future

    async def hold(self) -> Chain:
        await self.durable()
        self.held = True
        return Chain(self.actor_id, self.generation, self.epoch)

    def resume(self) -> None:
        self.held = False
        if self.waiting:
            self.writer.expect(self)

    def confirm(self, count: int) -> None:
        self.confirmed += count
        while self.waiters and self.waiters[0][0] <= self.confirmed:
            self.waiters.pop(0)[1]()

    def refuse(self, result: ChainResult, chain: Chain) -> None:
        """Some of it was refused. A lone start mark costs only its message; anything else ends the activation."""
        self.confirm(result.applied)
        rest = chain.steps[result.applied :]
        if len(rest) == 1 and isinstance(rest[0][0], Start) and not self.waiting:
            self.submitted = self.confirmed
            self.raise_to_waiters(StartRefused())
        else:
            self.refused = rest[0] if rest else ()
            self.fail(OperationRefused(operation="a step of this actor", reason=result.reason))

    def fail(self, error: Exception) -> None:
        if self.error is None:
            self.error = error
            self.writer.waiting -= len(self.waiting)
            self.waiting.clear()
            self.raise_to_waiters(error)
            self.on_failure(error)

    def raise_to_waiters(self, error: Exception) -> None:
        waiters, self.waiters = self.waiters, []
        for _, _, future in waiters:
            if future is not None and not future.done():
                future.set_exception(error)
