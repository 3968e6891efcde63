"""Where the runtime's database work runs: a thread and a connection each for the journal and for leasing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import connections

from actorqueues.runtime.lanes import Lanes
from actorqueues.storage.dialects import dialect_for

P = ParamSpec("P")
T = TypeVar("T")


class Threads(Protocol):
    """Testing replaces them all by the test's own thread, and so by its transaction."""

    inline: bool

    @property
    def lanes(self) -> Executor: ...

    async def journal(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    async def leasing(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    def call_from_lane(self, function: Callable[[], Awaitable[T]], loop: asyncio.AbstractEventLoop) -> T: ...
    def lend_lane(self) -> AbstractContextManager[None]: ...
    def close(self) -> None: ...


class BackgroundThread:
    """One thread with one long-lived connection to the actors' database."""

    def __init__(self, name: str, using: str, lease: float) -> None:
        self.using, self.lease = using, lease
        self.executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.prepared: Any = None  # the driver's connection that was set up last

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.executor, lambda: self.call(function, *args, **kwargs))

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        connection = connections[self.using]
        if connection.errors_occurred:
            connection.errors_occurred = False
            if connection.connection is not None and not connection.is_usable():
                connection.close()
        # Django reconnects by itself between two transactions: that connection is a new one too.
        if connection.connection is None or connection.connection is not self.prepared:
            connection.ensure_connection()
            connection.close_at = None  # it lives as long as the worker
            dialect_for(self.using).prepare_background(connection, self.lease)
            self.prepared = connection.connection
        try:
            return function(*args, **kwargs)
        except BaseException:
            connection.errors_occurred = True
            raise

    def close(self) -> None:
        self.executor.submit(connections.close_all)
        self.executor.shutdown(wait=True)


class WorkerThreads:
    inline = False

    def __init__(self, *, using: str, lanes: int, lease: float) -> None:
        self.lanes = Lanes(lanes)
        self.journal_thread = BackgroundThread("aq-journal", using, lease)
        self.leasing_thread = BackgroundThread("aq-leasing", using, lease)

    async def journal(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.journal_thread.run(function, *args, **kwargs)

    async def leasing(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.leasing_thread.run(function, *args, **kwargs)

    def call_from_lane(self, function: Callable[[], Awaitable[T]], loop: asyncio.AbstractEventLoop) -> T:
        async def call() -> T:
            return await function()

        return asyncio.run_coroutine_threadsafe(call(), loop).result()

    def lend_lane(self) -> AbstractContextManager[None]:
        return self.lanes.lend()

    def close(self) -> None:
        self.lanes.shutdown()
        self.journal_thread.close()
        self.leasing_thread.close()
