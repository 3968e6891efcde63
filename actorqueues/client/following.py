from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from actorqueues.bridge import in_thread, refuse_running_loop
from actorqueues.client import waiting
from actorqueues.client.receipts import Receipt
from actorqueues.client.targets import Target
from actorqueues.client.transactions import refuse_wait
from actorqueues.durations import Duration, optional_seconds
from actorqueues.storage.events import read_events, read_progress
from actorqueues.storage.outcomes import message_status, read_outcomes

LOOK_EVERY = 0.1  # seconds: progress comes at most that often
LAST_REPORT = 0.15  # seconds after its settlement within which a message's last report is committed
MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A broadcast that was stored. Numbers grow by one; ``events(after=number)`` goes on from here."""

    number: int
    name: str
    data: Any
    message_id: str | None
    user_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """What ``message.progress`` said."""

    done: float
    total: float | None
    note: str
    attempt: int


class Follower:
    """The part of a handle that reads events."""

    _target: Target

    def events(self, after: int | None = None) -> list[StoredEvent]:
        """The actor's stored events after this number (without one: all that are kept), at most 1,000."""
        refuse_running_loop("events")
        return stored_events(self._target, after or 0)

    async def aevents(self, after: int | None = None) -> list[StoredEvent]:
        return await in_thread(stored_events, self._target, after or 0)

    def follow(self, message: str | Receipt, *, timeout: Duration | None = None) -> Iterator[ProgressReport]:
        """The message's progress as it is made, until it is settled (or ``timeout`` is over; None: never).

        Raises ``WaitInTransaction``.
        """
        refuse_running_loop("follow")
        until = deadline(timeout)
        following = Following(self._target, message)
        return following.here(until)

    async def afollow(
        self, message: str | Receipt, *, timeout: Duration | None = None
    ) -> AsyncIterator[ProgressReport]:
        """``follow`` on an event loop, for ``async for``."""
        until = deadline(timeout)
        following = await in_thread(Following, self._target, message)
        while True:
            await in_thread(following.look)
            for report in following.take():
                yield report
            if following.has_ended or time.monotonic() > until:
                return
            await asyncio.sleep(LOOK_EVERY)


class Following:
    """Where one reader stands."""

    def __init__(self, target: Target, message: str | Receipt) -> None:
        waiting.refuse_unsettled(message)
        refuse_wait(target.using)
        waiting.refuse_in_testcase(target.using)
        self.target = target
        self.uid = waiting.uid_of(message)
        self.last = 0
        self.settled_at: float | None = None
        self.reports: list[ProgressReport] = []
        waiting.run_inline(self.uid, target.using, math.inf)

    def here(self, until: float) -> Iterator[ProgressReport]:
        while True:
            self.look()
            yield from self.take()
            if self.has_ended or time.monotonic() > until:
                return
            time.sleep(LOOK_EVERY)

    @property
    def has_ended(self) -> bool:
        """The message is settled, and nothing will follow."""
        return self.settled_at is not None and time.monotonic() - self.settled_at >= LAST_REPORT

    def look(self) -> None:
        """Reads what is new."""
        using = self.target.using
        if self.settled_at is None and is_settled(self.uid, using):
            self.settled_at = time.monotonic()
        for event in read_progress(self.target.actor_id, self.uid, after=self.last, using=using):
            self.last = event.id
            self.reports.append(report_of(json.loads(event.data)))

    def take(self) -> list[ProgressReport]:
        reports, self.reports = self.reports, []
        return reports


def report_of(values: dict[str, Any]) -> ProgressReport:
    return ProgressReport(
        values["done"], values.get("total"), values.get("note", ""), values.get("attempt", 1)
    )


def stored_events(target: Target, after: int) -> list[StoredEvent]:
    return [
        StoredEvent(
            number=event.number or 0,
            name=event.name,
            data=json.loads(event.data),
            message_id=None if event.message_uid is None else event.message_uid.hex,
            user_id=event.user_id,
            created_at=event.created_at,
        )
        for event in read_events(target.actor_id, after=after, limit=MOST_EVENTS, using=target.using)
    ]


def is_settled(uid: UUID, using: str) -> bool:
    if read_outcomes([uid], using=using):
        return True
    status = message_status(uid, using=using)
    return status is None or status.status == "dead"


def deadline(timeout: Duration | None) -> float:
    wait = optional_seconds(timeout, "timeout")
    return float("inf") if wait is None else time.monotonic() + wait
