"""All of the runtime's database work and synchronous code on the test's own thread: in its transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from actorqueues.exceptions import LeaseLost
from actorqueues.testing.pump import Pump

P = ParamSpec("P")
T = TypeVar("T")


class InlineThreads:
    """What the runtime takes for its threads. Counts the calls that are out, so that rest can be told from work."""

    inline = True

    def __init__(
        self, pump: Pump, loop: asyncio.AbstractEventLoop, on_failure: Callable[[BaseException], None]
    ) -> None:
        self.pump, self.loop, self.on_failure = pump, loop, on_failure
        self.lanes: Executor = InlineLanes(self)
        self.lock = threading.Lock()
        self.out = 0  # calls whose result the loop has not taken in yet
        self.blocked = 0  # those among them that wait on the test's thread for something else
        self.commits = 0

    def count(self, change: int) -> None:
        with self.lock:
            self.out += change

    @property
    def at_rest(self) -> bool:
        """Nothing runs on the test's thread, and nothing waits for its turn there."""
        return self.out == self.blocked

    async def journal(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.commits += 1
        return await self.leasing(function, *args, **kwargs)

    async def leasing(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.count(1)
        try:
            # In a context of its own, as on a thread of its own: a delivery may be in hand on this one.
            call = partial(Context().run, function, *args, **kwargs)
            return await asyncio.wrap_future(self.pump.ask(call))
        except (LeaseLost, asyncio.CancelledError):
            raise
        except BaseException as error:
            self.on_failure(error)  # it would be tried again without end: nothing changes while a test waits
            raise
        finally:
            self.count(-1)

    def call_from_lane(self, function: Callable[[], Awaitable[T]], loop: asyncio.AbstractEventLoop) -> T:
        async def call() -> T:
            return await function()

        future = asyncio.run_coroutine_threadsafe(call(), loop)
        return self.wait_here(future)

    def wait_here(self, future: Future[T]) -> T:
        """The result of a future. On the test's thread other calls have their turn meanwhile."""
        if self.pump.is_here:
            future.add_done_callback(lambda _: self.pump.post(lambda: None))
            with self.blocking():
                self.pump.work_until(future.done)
        return future.result()

    @contextmanager
    def blocking(self) -> Iterator[None]:
        self.blocked += 1
        self.nudge()  # this may be what brings the whole run to rest
        try:
            yield
        finally:
            self.blocked -= 1

    def nudge(self) -> None:
        """Makes the loop look around once more."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(lambda: None)

    def lend_lane(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        """There is nothing of its own to close."""


class InlineLanes(Executor):
    def __init__(self, threads: InlineThreads) -> None:
        self.threads = threads

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        threads = self.threads
        threads.count(1)
        future = threads.pump.ask(partial(function, *args, **kwargs))
        future.add_done_callback(self.done)
        return future

    def done(self, future: Future[Any]) -> None:
        # On the loop: not before whoever waits there for the result is on its way.
        if not self.threads.loop.is_closed():
            self.threads.loop.call_soon_threadsafe(self.threads.count, -1)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """There is nothing of its own to close."""
