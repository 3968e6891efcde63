"""How much a worker has to do, measured now and then for ``runactors --stats``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actorqueues.runtime.lanes import Lanes
from actorqueues.storage.statistics import Counts

if TYPE_CHECKING:
    from actorqueues.runtime.session import Session


@dataclass(frozen=True, slots=True)
class Load:
    """One interval of a worker. Times are in seconds; None where there is nothing to measure."""

    settled_per_second: float
    failed: int  # attempts
    dead: int
    busy: int  # actors
    resident: int
    waiting_steps: int  # handed to the journal and not durable yet
    commits_per_second: float
    steps_per_commit: float
    lanes_busy: int
    loop_lag: float  # the longest wait for an answer of the event loop
    latency_p50: float | None
    latency_p99: float | None


class LoadMeter:
    """Tells what has happened since it was last asked. On the loop only."""

    def __init__(self, session: Session) -> None:
        self.session = session
        session.journal.tally.is_counting = True
        self.at, self.counts, self.commits, self.steps = time.monotonic(), Counts(), 0, 0

    def measure(self) -> Load:
        session, journal = self.session, self.session.journal
        now, counts = time.monotonic(), journal.tally.totals()
        seconds = max(now - self.at, 1e-9)
        commits, steps = journal.commits - self.commits, journal.steps - self.steps
        new = counts.since(self.counts)
        self.at, self.counts, self.commits, self.steps = now, counts, journal.commits, journal.steps
        busy, resident = session.load()
        return Load(
            settled_per_second=new.settled / seconds,
            failed=new.failed,
            dead=new.dead,
            busy=busy,
            resident=resident,
            waiting_steps=sum(one.chain.unconfirmed for one in session.activations.values()),
            commits_per_second=commits / seconds,
            steps_per_commit=steps / commits if commits else 0.0,
            lanes_busy=self.lanes_busy(),
            loop_lag=self.loop_lag(),
            latency_p50=new.latency(50),
            latency_p99=new.latency(99),
        )

    def lanes_busy(self) -> int:
        lanes = self.session.threads.lanes
        return max(0, lanes.threads - lanes.idle) if isinstance(lanes, Lanes) else 0

    def loop_lag(self) -> float:
        heartbeat = self.session.heartbeat
        if heartbeat is None:
            return 0.0
        lag, heartbeat.longest_lag = heartbeat.longest_lag, 0.0
        return lag


async def show_load(session: Session, every: float, show: Callable[[Load], None]) -> None:
    """Never ends by itself."""
    meter = LoadMeter(session)
    while True:
        await asyncio.sleep(every)
        show(meter.measure())
