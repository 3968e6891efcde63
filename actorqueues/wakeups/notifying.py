"""PostgreSQL's NOTIFY: the first hint at once on the caller's connection, those that follow it together."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.singletons import PerDatabase
from actorqueues.wakeups.postgresql import channel_of, connect

logger = logging.getLogger("actorqueues.wakeups")

# Seconds from one NOTIFY of this process to the next: each is a commit, and wakes every listener. Where hints come one
# by one, somebody may wait for each; where many come meanwhile, nobody notices a few milliseconds.
FEW_COME, MANY_COME = 0.001, 0.005
MANY = 4  # hints since the last NOTIFY
IDLE = 2.0  # seconds after which the connection is given back
IDS_IN_PAYLOAD = 7900 // 33  # PostgreSQL's limit is 8,000 bytes
MOST_IDS = 2000  # beyond that: "look yourself"

# A NOTIFY is a commit that waits for the disk. A hint may be lost: it need not.
NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify(%s, %s)"


class Notifier:
    """Sends the hints of one process on one database."""

    def __init__(self, using: str) -> None:
        self.using = using
        self._changed = threading.Condition()
        self._pending: dict[str, set[UUID]] = {}
        self._collected = 0  # hints in it
        self._quiet_until = 0.0
        self._thread: threading.Thread | None = None
        self._flushing = False
        self._hurry = threading.Event()

    def add(self, topic: str, ids: Collection[UUID], connection: BaseDatabaseWrapper) -> None:
        """Says it at once if nothing was said a moment ago, else leaves it to the thread."""
        if self._first() and say_at_once(connection, topic, ids):
            return
        with self._changed:
            self._pending.setdefault(topic, set()).update(ids)
            self._collected += 1
            if self._thread is None:
                name = f"actorqueues-notify-{self.using}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()
            elif not self._flushing:
                self._changed.notify_all()  # it is idle; while it collects, nobody needs to wake it

    def flush(self, timeout: float) -> None:
        """Sends what is pending now; waits for that up to ``timeout`` seconds."""
        self._hurry.set()
        with self._changed:
            self._changed.wait_for(
                lambda: self._thread is None or not (self._pending or self._flushing), timeout
            )
        self._hurry.clear()

    def _first(self) -> bool:
        now = time.monotonic()
        with self._changed:
            first = now >= self._quiet_until and not self._pending
            if first:
                self._quiet_until = now + FEW_COME
            return first

    def _run(self) -> None:
        connection: Any = None
        while self._has_something():
            self._hurry.wait(max(0.0, self._quiet_until - time.monotonic()))
            with self._changed:
                pending, self._pending = self._pending, {}
                collected, self._collected = self._collected, 0
            connection = self._say(connection, pending)
            with self._changed:
                self._flushing = False
                self._quiet_until = time.monotonic() + (FEW_COME if collected < MANY else MANY_COME)
                self._changed.notify_all()
        if connection is not None:
            connection.close()

    def _has_something(self) -> bool:
        """Sleeps until there is something to say; False when there was nothing for a while."""
        with self._changed:
            self._flushing = self._changed.wait_for(lambda: bool(self._pending), IDLE)
            if not self._flushing:
                self._thread = None
            return self._flushing

    def _say(self, connection: Any, pending: dict[str, set[UUID]]) -> Any:
        try:
            if connection is None or connection.closed:
                connection = connect(self.using)
            for topic, ids in pending.items():
                for payload in payloads(ids):
                    connection.execute(NOTIFY, (channel_of(topic), payload))
            return connection
        except Exception as error:  # noqa: BLE001  hints may be lost, their sender must not care
            logger.debug("hints on %s are lost: %s", self.using, error)
            if connection is not None:
                connection.close()
            return None


def say_at_once(connection: BaseDatabaseWrapper, topic: str, ids: Collection[UUID]) -> bool:
    """On the caller's own connection, where that is between transactions."""
    if len(ids) > IDS_IN_PAYLOAD or connection.in_atomic_block or not connection.get_autocommit():
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(NOTIFY, (channel_of(topic), next(payloads(ids))))
    except DatabaseError as error:
        logger.debug("a hint on %s is lost: %s", connection.alias, error)
    return True


def payloads(ids: Collection[UUID]) -> Iterator[str]:
    if len(ids) > MOST_IDS:
        yield ""
        return
    texts = [one.hex for one in ids]
    for start in range(0, len(texts), IDS_IN_PAYLOAD):
        yield ",".join(texts[start : start + IDS_IN_PAYLOAD])


notifier_of = PerDatabase(Notifier)


@atexit.register
def flush_at_exit() -> None:
    for notifier in notifier_of:
        notifier.flush(timeout=1.0)
