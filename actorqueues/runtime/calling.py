"""An activation's synchronous calls: on a lane, in its context, and not forgotten while their thread runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from actorqueues.runtime.lanes import in_context

if TYPE_CHECKING:
    from actorqueues.runtime.activation import Activation
    from actorqueues.runtime.threads import Threads


class LaneCalls(Executor):
    """What ``sync_to_async`` and the handlers of one actor run on."""

    def __init__(self, threads: Threads, activation: Activation) -> None:
        self.threads, self.activation = threads, activation
        self.running: set[Future[Any]] = set()

    def install(self) -> None:
        """Makes the calling context's thread-sensitive ``sync_to_async`` run here."""
        context = ThreadSensitiveContext()
        SyncToAsync.context_to_thread_executor[context] = self
        SyncToAsync.thread_sensitive_context.set(context)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = self.threads.lanes.submit(function, *args, **kwargs)
        self.running.add(future)
        future.add_done_callback(self.running.discard)
        return future

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Calls on a lane. A cancelled caller does not stop the thread: see ``threads_end``."""
        return await asyncio.wrap_future(self.submit(in_context(function, *args)))

    async def threads_end(self) -> None:
        """Until no thread runs code of this actor: it is neither restarted nor released before."""
        while running := [asyncio.wrap_future(future) for future in self.running]:
            with self.threads.lend_lane():  # a call nobody waits for must not keep a lane from the others
                await asyncio.wait(running, timeout=1.0)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """The lanes are the worker's: nothing to close."""
