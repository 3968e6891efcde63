"""One thread a process and database that waits for the outcomes of all messages somebody here waits for."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Collection
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from uuid import UUID

from django.db import connections

from actorqueues.conf import settings
from actorqueues.storage.outcomes import StoredOutcome, read_outcomes
from actorqueues.wakeups import Listener, transport_of

logger = logging.getLogger("actorqueues.client")

IDLE = 2.0  # seconds without waiters, then the thread ends and gives its connections back
FIRST_POLL = 0.01  # seconds, where nothing wakes us: then longer and longer, up to POLL_INTERVAL
POLL_FACTOR = 1.5
RETRY = 0.2  # seconds after the database could not be read

Waiting = Future[StoredOutcome]


class ReplyHub:
    """Resolves futures by the message's id. Hints only tell when to look; without them it polls."""

    def __init__(self, using: str) -> None:
        self.using = using
        self._changed = threading.Condition()
        self._waiters: dict[UUID, set[Waiting]] = {}
        self._to_look_at: set[UUID] = set()
        self._look_at_all = False
        self._thread: threading.Thread | None = None
        self._poll = FIRST_POLL

    def wait_for(self, uid: UUID) -> Waiting:
        """A future of the outcome. It is looked for once at once, so that none is missed that came before."""
        future: Waiting = Future()
        with self._changed:
            self._waiters.setdefault(uid, set()).add(future)
            self._to_look_at.add(uid)
            self._poll = FIRST_POLL
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"actorqueues-replies-{self.using}", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()
        return future

    def forget(self, uid: UUID, future: Waiting) -> None:
        """Nobody waits for this future any more."""
        with self._changed:
            waiting = self._waiters.get(uid, set())
            waiting.discard(future)
            if not waiting:
                self._waiters.pop(uid, None)

    @property
    def waiting(self) -> int:
        """How many futures are waited for."""
        with self._changed:
            return sum(map(len, self._waiters.values()))

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
            answered = [(future, found[uid]) for uid in found for future in self._waiters.pop(uid, ())]
            if answered:
                self._poll = FIRST_POLL
        for future, outcome in answered:
            with suppress(InvalidStateError):  # cancelled meanwhile
                future.set_result(outcome)


_hubs: dict[str, ReplyHub] = {}
_making = threading.Lock()


def hub_of(using: str) -> ReplyHub:
    with _making:
        return _hubs.setdefault(using, ReplyHub(using))


# A forked child has the parent's hubs, but not their threads.
os.register_at_fork(after_in_child=_hubs.clear)
