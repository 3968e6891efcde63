"""What any worker does for all: takes back what dead workers held, and lets go of what has expired."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from actorqueues.runtime.reporting import UnknownMail
from actorqueues.storage.history import last_look, trim_histories
from actorqueues.storage.pruning import prune
from actorqueues.storage.statistics import roll_up_statistics
from actorqueues.storage.workers import reap_dead_workers, reap_missing_workers

if TYPE_CHECKING:
    from actorqueues.runtime.session import Session

logger = logging.getLogger("actorqueues.maintenance")

PRUNE_EVERY = 30.0  # seconds
PRUNE_PAUSE = 0.05  # seconds between two batches


async def maintain(session: Session) -> None:
    """Never ends by itself: a failed turn is logged, the next one comes."""
    unknown = UnknownMail()
    trimmed: int | None = None  # the last history entry that was looked at
    prune_at = session.loop.time() + random.uniform(0, PRUNE_EVERY)
    while True:
        await asyncio.sleep(session.options.poll_interval * random.uniform(0.9, 1.1))
        try:
            await reap(session, reap_dead_workers)
            if session.loop.time() >= prune_at:
                await reap(session, reap_missing_workers)
                prune_at = session.loop.time() + PRUNE_EVERY
                await unknown.look(session)
                await prune_all(session)
                trimmed = await trim_all(session, trimmed)
        except Exception as error:  # noqa: BLE001  a turn that failed must not be the last one
            logger.warning("maintenance failed, and goes on: %s", error, extra=session.log_fields)


async def reap(session: Session, reaper: Callable[..., int]) -> None:
    freed = await session.threads.leasing(reaper, using=session.options.using)
    if freed:
        logger.warning("took %d actors back from dead workers", freed, extra=session.log_fields)
        session.leasing.look_everywhere()


async def trim_all(session: Session, after: int | None) -> int:
    using = session.options.using
    seen = await session.threads.leasing(last_look, using=using) if after is None else after
    while (last := await session.threads.leasing(trim_histories, seen, using=using)) != seen:
        seen = last
        await asyncio.sleep(PRUNE_PAUSE)
    return seen


async def prune_all(session: Session) -> None:
    for work in (roll_up_statistics, prune):
        while await session.threads.leasing(work, using=session.options.using):
            await asyncio.sleep(PRUNE_PAUSE)
