from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from actorqueues.conf import settings
from actorqueues.wakeups import local
from actorqueues.wakeups.local import OnHint
from actorqueues.wakeups.polling import PollingSource
from actorqueues.wakeups.postgresql import PostgreSQLSource
from actorqueues.wakeups.sqlite import SQLiteSource
from actorqueues.wakeups.transports import transport_of

logger = logging.getLogger("actorqueues.wakeups")

TURN = 0.2  # seconds after which the thread looks whether it should stop
FIRST_RETRY = 0.1  # seconds


class Source(Protocol):
    """One transport's connection, as the listener's thread uses it."""

    def wait(self, seconds: float) -> list[tuple[str, list[UUID] | None]]: ...
    def close(self) -> None: ...


class Listener:
    """Calls ``on_hint(topic, ids)`` for what is announced on ``topics``; ids None means "look yourself".

    Calls come from a thread of its own and from threads of this process that announce: ``on_hint`` must be
    quick and thread safe. After every connect and reconnect it is called with None, for what was missed.
    It survives restarts of the database: it tries again with backoff, and hints None meanwhile.
    ``quick`` (settable): somebody waits, so SQLite is looked at every 1 to 5 ms instead of every 20.
    ``linger`` (settable): seconds to gather further hints after one, where many come.
    """

    def __init__(self, using: str, topics: Sequence[str], on_hint: OnHint, *, quick: bool = False) -> None:
        self.using = using
        self.topics = tuple(topics)
        self.quick = quick
        self.linger = 0.0
        self._on_hint = on_hint
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        for topic in self.topics:
            local.add(self.using, topic, self._on_hint)
        self._thread = threading.Thread(
            target=self._run, name=f"actorqueues-listen-{self.using}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended and its connection is closed."""
        self._stopped.set()
        for topic in self.topics:
            local.remove(self.using, topic, self._on_hint)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        retry = FIRST_RETRY
        while not self._stopped.is_set():
            source: Source | None = None
            try:
                source = self._connect()
                self._hint_everything()
                retry = FIRST_RETRY
                self._listen(source)
            except Exception as error:  # noqa: BLE001  whatever the driver raises: the poll goes on
                logger.warning("wake-ups on %s are interrupted (%s); trying again", self.using, error)
            finally:
                if source is not None:
                    source.close()
            self._hint_everything()
            self._stopped.wait(min(retry, settings.POLL_INTERVAL))
            retry *= 2

    def _listen(self, source: Source) -> None:
        while not self._stopped.is_set():
            hints = source.wait(TURN)
            if hints and self.linger:
                self._stopped.wait(self.linger)
                hints += source.wait(0)
            for topic, ids in hints:
                local.call(self._on_hint, topic, ids)

    def _connect(self) -> Source:
        transport = transport_of(self.using)
        if transport == "notify":
            return PostgreSQLSource(self.using, self.topics)
        if transport == "sqlite":
            return SQLiteSource(self.using, self.topics, lambda: self.quick)
        return PollingSource(self.topics)

    def _hint_everything(self) -> None:
        for topic in self.topics:
            if not self._stopped.is_set():
                local.call(self._on_hint, topic, None)
