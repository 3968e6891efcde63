"""Messages that one process sends at the same moment are stored together: one statement and one commit for all.

Who finds nobody storing stores its own at once. Who comes meanwhile gets in line, and the first in line then stores
all that are in it (group commit, as a worker's journal has it). Alone nobody waits for anybody.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from weakref import ref

from django.db import DatabaseError, connections

from actorqueues.bridge import in_thread
from actorqueues.client.hub import wake
from actorqueues.client.sending import tell_receivers
from actorqueues.client.targets import Target
from actorqueues.client.transactions import refuse_wait
from actorqueues.singletons import PerDatabase
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.sending import Outgoing, is_plain, store_messages
from actorqueues.wakeups import announce_after_commit

MOST = 100  # messages in one commit


class Departure:
    """One message on its way into the store."""

    __slots__ = (
        "__weakref__",
        "_event",
        "_future",
        "error",
        "gatherer",
        "is_over",
        "leads",
        "outgoing",
        "target",
    )

    def __init__(self, gatherer: Gatherer, target: Target, outgoing: Outgoing) -> None:
        self.gatherer, self.target, self.outgoing = gatherer, target, outgoing
        self.leads = False
        """Whether it has to store all that are in line."""
        self.is_over = False
        self.error: BaseException | None = None
        self._event: threading.Event | None = None
        self._future: asyncio.Future[None] | None = None

    def here(self) -> None:
        """Returns when the message is stored. Raises what kept it from that."""
        self._event = threading.Event()
        self.gatherer.lead_if_nobody_does(self)
        # What is told after there is an event sets it; what was told before is looked at now.
        while not self.is_over:
            if self.leads:
                self.gatherer.store()
            else:
                self._event.wait()
                self._event.clear()
        self.report()

    async def on_loop(self) -> None:
        """The same without blocking. Who is cancelled may have been stored all the same."""
        try:
            while not self.is_over:
                if self.leads:
                    await in_thread(self.gatherer.store)
                else:
                    await self.turn()
        finally:
            self.gatherer.leave(self)
        self.report()

    async def turn(self) -> None:
        self._future = asyncio.get_running_loop().create_future()
        self.gatherer.lead_if_nobody_does(self)
        if not (self.is_over or self.leads):  # the same here
            await self._future

    def report(self) -> None:
        if self.error is not None:
            raise self.error

    @property
    def hears(self) -> bool:
        """Whether somebody waits, in a thread or on a loop that runs."""
        if self._future is not None:
            return self._future.get_loop().is_running()
        return self._event is not None

    def notified(self) -> asyncio.Future[None] | None:
        """Wakes a thread that waits here, and gives the future that is to be woken on its loop."""
        if self._event is not None:
            self._event.set()
        return self._future


class Gatherer:
    """The line of one process before one database."""

    def __init__(self, using: str) -> None:
        self.using = using
        self._lock = threading.Lock()
        # Weak: a request that was cancelled on the way to waiting cannot say so, and its message stays away.
        self._line: deque[ref[Departure]] = deque()
        self._is_led = False

    def depart(self, target: Target, outgoing: Outgoing) -> Departure:
        """Stored when it returns, unless others are being stored: then in line."""
        departure = Departure(self, target, outgoing)
        with self._lock:
            self._line.append(ref(departure))
            departure.leads, self._is_led = not self._is_led, True
        if departure.leads:
            self.store()
        return departure

    def lead_if_nobody_does(self, departure: Departure) -> None:
        """Asked by who begins to wait: before that nothing was handed over to it."""
        with self._lock:
            if not self._is_led and not departure.is_over:
                departure.leads = self._is_led = True

    def store(self) -> None:
        """All that are in line, by whoever leads it. Durable when it returns."""
        with self._lock:
            first = [self._line.popleft() for _ in range(min(len(self._line), MOST))]
        batch = [departure for one in first if (departure := one()) is not None]
        try:
            if batch:
                store_all(batch, self.using)
        finally:
            for one in batch:
                one.is_over = True
            wake([one.notified() for one in batch])
            self.hand_over()

    def leave(self, departure: Departure) -> None:
        """Nobody waits for it any more. Who was to lead hands that over."""
        if departure.is_over:
            return
        with self._lock:
            if ref(departure) not in self._line:
                return  # it is being stored
            self._line.remove(ref(departure))
        if departure.leads:
            self.hand_over()

    def hand_over(self) -> None:
        """To the first in line who hears it. Two who lead at once do no harm: each stores what it finds."""
        with self._lock:
            waiting = (
                departure for one in self._line if (departure := one()) is not None and departure.hears
            )
            successor = next(waiting, None)
            if successor is None:
                self._is_led = False
                return
            successor.leads = True
            wake([successor.notified()])


def store_all(batch: Sequence[Departure], using: str) -> None:
    """Together, or where the database refuses that, each for itself. Errors are told to those they concern."""
    try:
        refuse_wait(using)
        store_messages([one.outgoing for one in batch], using=using)
        announce_after_commit("work", list({one.outgoing.actor_id for one in batch}), using=using)
        for one in batch:
            tell_receivers(one.target, [one.outgoing])
    except BaseException as error:
        if len(batch) > 1 and is_refusal(error, using):
            for one in batch:
                store_all([one], using)
            return
        for one in batch:
            one.error = error
        if not isinstance(error, Exception):
            raise


def is_refusal(error: BaseException, using: str) -> bool:
    """Of what one of the messages holds. Nothing of the statement is stored then."""
    return isinstance(error, DatabaseError) and dialect_for(using).kind_of(error) == "refusal"


def can_be_gathered(outgoing: Outgoing, using: str) -> bool:
    """Where it takes nothing but an insert; and not in a test, whose transaction nobody else is in."""
    return is_plain(outgoing) and not outgoing.requires_actor and not connections[using].in_atomic_block


gatherer_of = PerDatabase(Gatherer)
