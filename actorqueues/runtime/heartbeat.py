"""The worker's heartbeat: renews its lease, watches how long that may be trusted, and whether the loop still turns."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections

from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.workers import renew_lease

if TYPE_CHECKING:
    from actorqueues.runtime.options import ResolvedOptions

logger = logging.getLogger("actorqueues.heartbeat")

RENEWALS = 3  # in one lease
MARGIN = 0.1  # of the lease: trusted that much shorter than the database grants it
TICK = 0.2  # seconds
MEASURE_EVERY = 1.0  # seconds between two counts of the actors that are busy
SILENCE = 1.0  # seconds without an answer of the loop, then its stack is logged
UNTRUSTED = "it could not be renewed in time"
STALLED_CODE = 70  # the exit code of a worker whose loop was blocked for STALL_LIMIT


def clock_through_suspend() -> float:
    """Seconds of a clock that also runs while the machine is suspended, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Heartbeat:
    """A thread of its own: neither a busy loop nor a slow journal may cost the lease."""

    def __init__(
        self,
        worker_id: UUID,
        options: ResolvedOptions,
        loop: asyncio.AbstractEventLoop,
        load: Callable[[], tuple[int, int]],
        on_lost: Callable[[str], None],
        granted_after: float,
    ) -> None:
        self.worker_id, self.options, self.loop, self.load, self.on_lost = (
            worker_id,
            options,
            loop,
            load,
            on_lost,
        )
        self.log_fields = {"worker_id": worker_id.hex}
        self.loop_thread = threading.get_ident()
        self.stopped = threading.Event()
        self.trusted_until = granted_after + options.lease * (1 - MARGIN)
        self.answered_at = self.asked_at = time.monotonic()
        self.tick = min(TICK, options.lease / 10)
        self.measured, self.measured_at = (0, 0), 0.0
        self.reported = False
        self.longest_lag = 0.0  # seconds until the loop answered; whoever reads it begins anew
        self.reaches_database = True
        self.thread = threading.Thread(target=self.run, name="aq-heartbeat", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(timeout=5)

    @property
    def is_trusted(self) -> bool:
        return self.trusted_for > 0

    @property
    def trusted_for(self) -> float:
        """Seconds that the lease may still be trusted."""
        return self.trusted_until - clock_through_suspend()

    @property
    def silence(self) -> float:
        """Seconds that the event loop has left the last question unanswered. From any thread."""
        asked_at, answered_at = self.asked_at, self.answered_at
        return 0.0 if answered_at >= asked_at else time.monotonic() - asked_at

    def run(self) -> None:
        renew_at = clock_through_suspend() + self.options.lease / RENEWALS
        try:
            while not self.stopped.wait(self.tick):
                self.watch_loop()
                if not self.is_trusted:
                    self.lose(UNTRUSTED)
                    return
                if clock_through_suspend() >= renew_at:
                    renew_at = clock_through_suspend() + self.options.lease / RENEWALS
                    if not self.renew():
                        self.lose("it has expired in the database")
                        return
        except Exception as error:
            logger.exception("the heartbeat failed", extra=self.log_fields)
            self.lose(f"the heartbeat failed: {error}")
        finally:
            connections.close_all()

    async def watch_trust(self) -> None:
        """On the loop: a renewal that hangs in the network must not keep the thread from noticing."""
        while self.is_trusted:
            await asyncio.sleep(self.tick)
        self.on_lost(UNTRUSTED)

    def renew(self) -> bool:
        """False only if the database said so. A database that does not answer may answer before trust runs out."""
        before = clock_through_suspend()
        connection = connections[self.options.using]
        busy, resident = self.measured
        try:
            if connection.connection is None:
                connection.ensure_connection()
                dialect_for(self.options.using).prepare_background(connection, self.options.lease)
            alive = renew_lease(
                self.worker_id,
                lease=self.options.lease,
                busy=busy,
                resident=resident,
                using=self.options.using,
            )
        except (DatabaseError, InterfaceError) as error:
            text = "the heartbeat could not renew the lease, trying again: %s"
            logger.warning(text, error, extra=self.log_fields)
            connection.close()
            self.reaches_database = False
            return True
        self.reaches_database = True
        if alive:
            self.trusted_until = before + self.options.lease * (1 - MARGIN)
        return alive

    def lose(self, reason: str) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.on_lost, reason)

    # The loop

    def watch_loop(self) -> None:
        """Pings it. A blocked loop would hold its actors' leases for ever while the heartbeat renews them."""
        now = time.monotonic()
        if self.answered_at >= self.asked_at:
            self.asked_at, self.reported = now, False
            self.loop.call_soon_threadsafe(self.answer)
            return
        silence = now - self.asked_at
        if silence > SILENCE and not self.reported:
            self.reported = True
            text = "the event loop is blocked for %.1f s by:\n%s"
            logger.error(text, silence, self.stack(), extra=self.log_fields)
        if silence > self.options.stall_limit:
            self.give_up(silence)

    def answer(self) -> None:
        """On the loop, which alone can count its actors: they change under any other thread's eyes."""
        self.answered_at = now = time.monotonic()
        self.longest_lag = max(self.longest_lag, now - self.asked_at)
        if now - self.measured_at > MEASURE_EVERY:
            self.measured, self.measured_at = self.load(), now

    def stack(self) -> str:
        frame = sys._current_frames().get(self.loop_thread)
        return "".join(traceback.format_stack(frame)) if frame is not None else "(its thread has ended)"

    def give_up(self, silence: float) -> None:
        self.stopped.set()  # renews never again: others take the actors over
        if self.options.exits_when_stalled:
            text = "the event loop is blocked for %.0f s: this worker ends"
            logger.critical(text, silence, extra=self.log_fields)
            logging.shutdown()
            os._exit(STALLED_CODE)
        text = "the event loop is blocked for %.0f s: this worker lets its lease expire"
        logger.critical(text, silence, extra=self.log_fields)
        self.lose(f"the event loop was blocked for over {self.options.stall_limit:g} s")
