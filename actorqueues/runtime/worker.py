from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Self
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from actorqueues.runtime.draining import drained, show_progress
from actorqueues.runtime.load import Load, show_load
from actorqueues.runtime.options import ResolvedOptions, WorkerOptions
from actorqueues.runtime.session import Session
from actorqueues.runtime.tasks import actor_task_factory
from actorqueues.runtime.threads import Threads, WorkerThreads
from actorqueues.wakeups import Listener, transport_of

logger = logging.getLogger("actorqueues.worker")

# Seconds, where the process is ours. The journal's thread needs the interpreter after every statement, with rows or
# the file locked: Python's own 5 ms each time would hold up everybody else who writes.
SWITCH_INTERVAL = 0.0005
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two tries to begin while the database is away


class Worker:
    """Runs actors: in a process of its own (``run``), or inside another one (``async with Worker():``).

    Embedded, it has a thread and an event loop of its own: neither the web server's loop nor its reactor
    is touched.
    """

    def __init__(
        self,
        options: WorkerOptions | None = None,
        *,
        on_progress: Callable[[int], None] | None = None,
        on_load: Callable[[Load], None] | None = None,
        load_every: float = 5.0,
    ) -> None:
        self.options = options or WorkerOptions()
        self.on_progress = on_progress  # of a drain: messages that are left
        self.on_load, self.load_every = on_load, load_every  # seconds
        self.loop: asyncio.AbstractEventLoop | None = None
        self.stop_asked: asyncio.Event | None = None
        self.thread: threading.Thread | None = None
        self.ready = threading.Event()
        self.failure: Exception | None = None  # of an embedded one that could not begin
        self.signals = 0
        self.session: Session | None = None  # the last one that began
        self.started_at = datetime.now(UTC)

    # In a process of its own

    def run(self, *, handle_signals: bool = True) -> None:
        """Works until it is told to stop (or, with ``drain``, until nothing is due). Blocks."""
        asyncio.run(self.main(handle_signals=handle_signals))

    async def main(self, *, handle_signals: bool = False) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_task_factory(actor_task_factory)
        self.stop_asked = asyncio.Event()
        if handle_signals:
            sys.setswitchinterval(SWITCH_INTERVAL)
            gc.freeze()  # what was imported stays: no collection has to walk through it
            # Not the loop's own handlers: a second signal must end a worker whose loop is blocked.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self.on_signal)
        options = self.options.resolved()
        threads = WorkerThreads(using=options.using, lanes=options.lanes, lease=options.lease)
        try:
            await self.work(options, threads)
        finally:
            await asyncio.to_thread(threads.close)
        if options.exits_when_stalled:
            await self.leave_behind()

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first one stops in an orderly way; a second one ends at once, losing nothing."""
        self.signals += 1
        if self.signals > 1:
            os._exit(1)
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.say_stopping, signal.Signals(number).name)
        self.stop()

    def say_stopping(self, cause: str) -> None:
        logger.info("worker stops (%s): handlers have %g s", cause, self.options.resolved().grace)

    async def leave_behind(self) -> None:
        """A task that swallows its cancellation must not keep the process: asyncio would wait for it."""
        await asyncio.sleep(0)
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            logger.warning("worker ends with %d tasks that do not: %s", len(left), left)
            logging.shutdown()
            os._exit(0)

    @property
    def is_stopping(self) -> bool:
        return self.stop_asked is not None and self.stop_asked.is_set()

    def stop(self) -> None:
        """Asks the worker to stop. From any thread."""
        if self.loop is not None and self.stop_asked is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.stop_asked.set)

    async def work(self, options: ResolvedOptions, threads: Threads) -> None:
        """Session after session: one that lost its lease is followed by another, under a new id."""
        assert self.stop_asked is not None
        logger.info(
            "worker starts: database %s, wake-ups by %s, actor types: %s",
            options.using, transport_of(options.using), ", ".join(options.types) or "none",
        )  # fmt: skip
        while not self.stop_asked.is_set():
            session = await self.begin(options, threads)
            if session is None:
                return
            listener = Listener(options.using, ("work",), self.hint_of(session))
            session.is_quick = partial(setattr, listener, "quick")
            listener.start()
            self.ready.set()
            try:
                await self.until_done(session)
            finally:
                await asyncio.to_thread(listener.stop)
                await session.finish()
            if session.is_lost.is_set():
                logger.info("worker begins anew, under another id")
            elif options.drain:
                return

    async def begin(self, options: ResolvedOptions, threads: Threads) -> Session | None:
        """A session that is registered, however long the database is away. None: it was told to stop before."""
        assert self.stop_asked is not None
        pause = FIRST_PAUSE
        while not self.stop_asked.is_set():
            session = Session(options, threads)
            try:
                await session.begin()
                self.session = session
                return session
            except (DatabaseError, InterfaceError) as error:
                logger.warning("cannot begin yet: %s", error)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)
        return None

    def hint_of(self, session: Session) -> Callable[..., None]:
        def hint(topic: str, ids: Iterable[UUID] | None) -> None:
            if not session.loop.is_closed():
                session.loop.call_soon_threadsafe(session.leasing.hint, ids)

        return hint

    async def until_done(self, session: Session) -> None:
        assert self.stop_asked is not None
        ends: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self.stop_asked.wait()),
            asyncio.ensure_future(session.is_lost.wait()),
        ]
        if self.on_load is not None:
            ends.append(asyncio.ensure_future(show_load(session, self.load_every, self.on_load)))
        if session.options.drain:
            ends.append(asyncio.ensure_future(drained(session)))
            if self.on_progress is not None:
                ends.append(asyncio.ensure_future(show_progress(session, self.on_progress)))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    # Inside another process

    async def __aenter__(self) -> Self:
        """Returns when the worker works (however long the database is away), or raises why it cannot."""
        self.thread = threading.Thread(target=self.run_embedded, name="aq-worker", daemon=True)
        self.thread.start()
        await asyncio.to_thread(self.ready.wait)
        if self.failure is not None:
            raise self.failure
        return self

    def run_embedded(self) -> None:
        try:
            self.run(handle_signals=False)
        except Exception as error:
            if self.ready.is_set():
                logger.exception("the embedded worker has failed")
            self.failure = error
        finally:
            self.ready.set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self.thread is not None:
            await asyncio.to_thread(self.thread.join)
