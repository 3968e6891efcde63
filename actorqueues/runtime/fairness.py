"""A fair share of the busy actors for every live worker."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from actorqueues.storage.workers import read_loads

if TYPE_CHECKING:
    from actorqueues.runtime.session import Session

logger = logging.getLogger("actorqueues.fairness")

TOLERANCE = 1.25  # above its share before a worker gives actors away


async def leave_to_others(session: Session) -> None:
    """Whoever has more than its share lets the surplus go, each actor when its message settles."""
    while True:
        await asyncio.sleep(session.options.lease / 3)
        try:
            await leave_surplus(session)
        except Exception as error:  # noqa: BLE001  the next turn comes
            text = "the loads of the workers could not be read: %s"
            logger.warning(text, error, extra=session.log_fields)


async def leave_surplus(session: Session) -> None:
    busy = [one for one in session.activations.values() if one.is_busy and not one.leaves_soon]
    if not busy:
        return
    types = {activation.actor_type for activation in busy}
    loads = await session.threads.leasing(read_loads, types, using=session.options.using)
    loads.pop(session.worker_id, None)
    surplus = surplus_of(len(busy), loads.values())
    if surplus > 0:
        text = "leaving %d of %d busy actors to other workers"
        logger.info(text, surplus, len(busy), extra=session.log_fields)
        for activation in busy[:surplus]:
            activation.leave_soon()


def surplus_of(mine: int, others: Collection[int]) -> int:
    """How many of my busy actors are above my share, with its tolerance; others count what they have."""
    if not others:
        return 0
    share = math.ceil((mine + sum(others)) / (1 + len(others)))
    return mine - math.ceil(share * TOLERANCE)
