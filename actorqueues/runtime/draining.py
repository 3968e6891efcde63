"""``--drain``: work until nothing is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError

from actorqueues.storage.mailboxes import count_due

if TYPE_CHECKING:
    from actorqueues.runtime.session import Session

COUNT_EVERY = 0.5  # seconds


async def drained(session: Session) -> None:
    """Returns when no actor is resident and a full look has found nothing that is due."""
    while True:
        session.leasing.found_nothing.clear()
        session.leasing.look_everywhere()
        await session.leasing.found_nothing.wait()
        if not session.activations:
            return
        session.changed.clear()
        await session.changed.wait()


async def show_progress(session: Session, show: Callable[[int], None]) -> None:
    """Tells every now and then how many messages are left."""
    while True:
        if (left := await messages_left(session, session.options.types)) is not None:
            show(left)
        await asyncio.sleep(COUNT_EVERY)


async def messages_left(session: Session, types: Sequence[str]) -> int | None:
    try:
        return await session.threads.leasing(count_due, types, using=session.options.using)
    except (DatabaseError, InterfaceError):
        return None
