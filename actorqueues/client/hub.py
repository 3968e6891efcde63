"""One thread a process and database that waits for the outcomes of all messages somebody here waits for."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from uuid import UUID
from weakref import ref

from django.db import connections

from actorqueues.conf import settings
from actorqueues.singletons import PerDatabase
from actorqueues.storage.outcomes import StoredOutcome, read_outcomes
from actorqueues.wakeups import Listener, transport_of

logger = logging.getLogger("actorqueues.client")

IDLE = 2.0  # seconds without waiters, then the thread ends and gives its connections back
FIRST_POLL = 0.01  # seconds, where nothing wakes us: then longer and longer, up to POLL_INTERVAL
POLL_FACTOR = 1.5
FEW = 8  # waiters that each get their outcome as soon as it is there
LINGER, LONGEST_LINGER = 0.0001, 0.005  # seconds, for each of more
RETRY = 0.2  # seconds after the database could not be read


class Waiter:
    """One who waits for an outcome: blocking (``block``) or on an event loop. Resolved by the hub's thread."""

    __slots__ = ("__weakref__", "_event", "_future", "_given_up", "outcome")

    def __init__(self) -> None:
        self.outcome: StoredOutcome | None = None
        self._given_up = False
        self._event: threading.Event | None = None
        self._future: asyncio.Future[None] | None = None

    def block(self, timeout: float | None) -> StoredOutcome | None:
        """At most ``timeout`` seconds. ``give_up`` ends it too, from another thread."""
        self._event = threading.Event()
        # Looked at after there is an event: what comes meanwhile sets that.
        if self.outcome is None and not self._given_up:
            self._event.wait(timeout)
        return self.outcome

    def give_up(self) -> None:
        self._given_up = True
        if self._event is not None:
            self._event.set()

    async def wait(self) -> StoredOutcome | None:
        self._future = asyncio.get_running_loop().create_future()
        if self.outcome is None:  # the same here
            await self._future
        return self.outcome

    def resolve(self, outcome: StoredOutcome) -> asyncio.Future[None] | None:
        """The future that is to be woken on its loop, if there is one."""
        self.outcome = outcome
        if self._event is not None:
            self._event.set()
        return self._future


class ReplyHub:
    """Resolves waiters by the message's id. Hints only tell when to look; without them it polls."""

    def __init__(self, using: str) -> None:
        self.using = using
        self._changed = threading.Condition()
        # Weak: who was cancelled on the way to waiting cannot say so, and is forgotten all the same.
        self._waiters: dict[UUID, list[ref[Waiter]]] = {}
        self._to_look_at: set[UUID] = set()
        self._look_at_all = False
        self._thread: threading.Thread | None = None
        self._poll = FIRST_POLL

    def wait_for(self, uid: UUID, *, look: bool = True) -> Waiter:
        """To be kept by whoever waits.

        ``look``: at once, because the outcome may be there already. Not for a message that is sent after this: its
        hint is still to come, and the listener asks for a look at all when it begins to listen.
        """
        waiter = Waiter()
        with self._changed:
            # The first one wakes the thread in any case: it sleeps for longer than a poll interval.
            look = look or not self._waiters or transport_of(self.using) == "poll"
            self._waiters.setdefault(uid, []).append(ref(waiter))
            if look:
                self._to_look_at.add(uid)
                self._poll = FIRST_POLL
                self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"actorqueues-replies-{self.using}", daemon=True
                )
                self._thread.start()
        return waiter

    def forget(self, uid: UUID, waiter: Waiter) -> None:
        """It waits no more."""
        with self._changed:
            left = [one for one in self._waiters.get(uid, ()) if one() not in (None, waiter)]
            if left:
                self._waiters[uid] = left
            else:
                self._waiters.pop(uid, None)

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._changed:
            return sum(one() is not None for waiters in self._waiters.values() for one in waiters)

    def _on_hint(self, topic: str, ids: Collection[UUID] | None) -> None:
        with self._changed:
            if ids is None:
                self._look_at_all = True
            elif mine := self._waiters.keys() & ids:
                self._to_look_at |= mine
            else:
                return
            self._changed.notify_all()

    def _run(self) -> None:
        listener = Listener(self.using, ["done"], self._on_hint, quick=True)
        listener.start()
        try:
            while (uids := self._next_look()) is not None:
                listener.linger = linger_for(len(self._waiters))
                if uids:
                    self._look(uids)
        finally:
            listener.stop()
            connections[self.using].close()

    def _next_look(self) -> Collection[UUID] | None:
        """Sleeps until there is something to look at; None when nobody waits any more."""
        polls = transport_of(self.using) == "poll"
        with self._changed:
            pause = min(self._poll, settings.POLL_INTERVAL) if polls else settings.POLL_INTERVAL
            hinted = self._changed.wait_for(
                lambda: self._to_look_at or self._look_at_all, pause if self._waiters else IDLE
            )
            if not self._waiters and not hinted:
                self._thread = None
                return None
            if hinted and not self._look_at_all:
                uids: Collection[UUID] = self._to_look_at & self._waiters.keys()
            else:
                self._drop_the_gone()
                uids = list(self._waiters)
                self._poll *= POLL_FACTOR
            self._to_look_at, self._look_at_all = set(), False
            return uids

    def _look(self, uids: Collection[UUID]) -> None:
        try:
            found = read_outcomes(uids, using=self.using)
        except Exception as error:  # noqa: BLE001  whatever the driver raises: the waiters' timeouts end this
            logger.warning("replies cannot be read from %s (%s); trying again", self.using, error)
            connections[self.using].close()
            time.sleep(RETRY)
            with self._changed:
                self._to_look_at.update(uids)
            return
        with self._changed:
            answered = [(one(), found[uid]) for uid in found for one in self._waiters.pop(uid, ())]
            if answered:
                self._poll = FIRST_POLL
        wake([waiter.resolve(outcome) for waiter, outcome in answered if waiter is not None])

    def _drop_the_gone(self) -> None:
        kept = {uid: [one for one in some if one() is not None] for uid, some in self._waiters.items()}
        self._waiters = {uid: some for uid, some in kept.items() if some}


def wake(futures: Iterable[asyncio.Future[None] | None]) -> None:
    """One call a loop: each writes to the pipe that wakes it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for future in futures:
        if future is not None:
            by_loop.setdefault(future.get_loop(), []).append(future)
    for loop, some in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(end_waits, some)


def end_waits(futures: Iterable[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():  # it may have been cancelled meanwhile
            future.set_result(None)


def linger_for(waiters: int) -> float:
    """Each look is a query. A few milliseconds are nothing to one of many: the others keep the server busy."""
    return min(LONGEST_LINGER, waiters * LINGER) if waiters > FEW else 0.0


hub_of = PerDatabase(ReplyHub)
