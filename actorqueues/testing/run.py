"""One worker's session until nothing is due: its loop on a thread beside, everything else on the test's own."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack
from contextvars import Context
from uuid import UUID

from django.db import connections

from actorqueues.definitions.context import current_scope
from actorqueues.runtime.lanes import refuse_the_dead
from actorqueues.runtime.tasks import actor_task_factory
from actorqueues.storage.outcomes import StoredOutcome, read_outcomes
from actorqueues.testing.pump import Pump
from actorqueues.testing.resting_loop import RestingLoop
from actorqueues.testing.session import InlineSession, OnError, inline_options, is_at_rest, waits
from actorqueues.testing.threads import InlineThreads
from actorqueues.testing.waiters import Waiters

LULL = 6  # ticks


class InlineRun:
    """Made, used and ended on the test's thread. It is at rest when the loop blocks, no call is out, and every
    actor waits; what is due then is looked for once more, and when there is nothing, the run is over."""

    def __init__(self, using: str, on_error: OnError, *, wanted: UUID | None = None, timeout: float) -> None:
        self.using, self.on_error, self.wanted = using, on_error, wanted
        self.until = time.monotonic() + timeout
        self.pump = Pump(self.on_tick)
        self.loop = RestingLoop(self.on_rest)
        self.threads = InlineThreads(self.pump, self.loop, self.break_off)
        self.waiters = Waiters(using)
        self.session: InlineSession | None = None
        self.resting: set[object] = set()  # scopes of actors that wait for a reply
        self.stop_asked = asyncio.Event()
        self.is_over = self.has_ended = self.is_late = False
        self.looking_since: int | None = None  # commits when the last full look for work began
        self.rest_is_told = False
        self.lull = 0  # ticks without a call
        self.error: BaseException | None = None
        self.busy: list[str] = []

    def work(self) -> None:
        """Returns when nothing is due, or when it took too long: then ``is_late``.

        Raises what made the database's work fail.
        """
        thread = threading.Thread(target=self.serve, name="aq-inline", daemon=True)
        with ExitStack() as wrapped:
            for alias in connections:
                wrapped.enter_context(connections[alias].execute_wrapper(refuse_the_dead))
            thread.start()
            try:
                self.pump.work_until(lambda: self.is_over)
            finally:
                self.is_over = True
                self.stop()
                self.pump.work_until(lambda: self.has_ended)
                thread.join()
        if self.error is not None:
            raise self.error

    # On the loop's thread

    def serve(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
                runner.run(self.main())
        except BaseException as error:  # noqa: BLE001  raised in the test
            self.error = self.error or error
        finally:
            self.is_over = self.has_ended = True
            self.pump.post(lambda: None)

    async def main(self) -> None:
        self.loop.set_task_factory(actor_task_factory)
        session = InlineSession(inline_options(self.using), self.threads, self.on_error)
        await session.begin()
        self.session = session
        try:
            await self.stop_asked.wait()
        finally:
            await session.finish()

    def on_rest(self) -> None:
        """The loop is about to block."""
        if self.session is None or not self.threads.at_rest or self.rest_is_told:
            return
        if not self.is_over and not self.has_looked():
            self.looking_since = self.threads.commits
            self.loop.call_soon_threadsafe(self.look)
            return
        self.tell_rest(all(is_at_rest(one, self.resting) for one in self.session.activations.values()))

    def tell_rest(self, at_rest: bool) -> None:
        self.looking_since = None if at_rest else self.looking_since
        self.rest_is_told = True
        self.lull = 0
        self.pump.post(lambda: self.on_told(at_rest))

    def on_lull(self) -> None:
        """Nothing has happened for a while, and nothing is expected: tasks that wait for each other's receives."""
        if self.session is None or not self.threads.at_rest or self.rest_is_told:
            return
        activations = self.session.activations.values()
        if self.loop.telling.expects_nothing and all(waits(one, self.resting) for one in activations):
            self.tell_rest(True)

    def look(self) -> None:
        assert self.session is not None
        self.session.leasing.found_nothing.clear()
        self.session.leasing.look_everywhere()

    def has_looked(self) -> bool:
        """A full look has found nothing, and nothing was committed meanwhile."""
        assert self.session is not None
        found_nothing = self.session.leasing.found_nothing.is_set()
        return found_nothing and self.looking_since == self.threads.commits

    def break_off(self, error: BaseException) -> None:
        self.error = self.error or error
        if self.session is not None:
            self.session.lose(error)
        self.is_over = True
        self.pump.post(lambda: None)

    # On the test's thread

    def on_told(self, at_rest: bool) -> None:
        """``at_rest``: nothing is due. Else an actor waits for something outside: a timer, another service."""
        self.rest_is_told = False
        if self.waiters.answer_settled() or ((at_rest or self.is_over) and self.waiters.answer_latest()):
            self.threads.nudge()
        elif at_rest or self.outcome() is not None:
            self.is_over = True

    def on_tick(self) -> None:
        self.lull += 1
        if self.lull % LULL == 0 and not self.has_ended:
            self.loop.call_soon_threadsafe(self.on_lull)
        if self.waiters.answer_late():
            self.threads.nudge()
        if not self.is_over and time.monotonic() > self.until:
            self.is_over = self.is_late = True
            if self.session is not None:
                self.busy = [one.address for one in list(self.session.activations.values())]
            self.threads.nudge()  # whoever still waits for a reply is told that there will be none

    def outcome(self) -> StoredOutcome | None:
        if self.wanted is None:
            return None
        return Context().run(read_outcomes, [self.wanted], using=self.using).get(self.wanted)

    def stop(self) -> None:
        if not self.has_ended:
            self.loop.call_soon_threadsafe(self.stop_asked.set)

    # Waiting for a reply while it works

    def wait(self, uid: UUID, timeout: float) -> StoredOutcome | None:
        """For synchronous code of an actor."""
        waiter = self.waiters.add(uid, timeout)
        return self.threads.wait_here(waiter.future)

    async def wait_on_loop(self, uid: UUID, timeout: float) -> StoredOutcome | None:
        """For asynchronous code of an actor."""
        scope = current_scope.get()
        self.resting.add(scope)
        try:
            return await asyncio.wrap_future(self.waiters.add(uid, timeout).future)
        finally:
            self.resting.discard(scope)
