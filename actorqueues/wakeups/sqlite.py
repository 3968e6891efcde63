"""Listening on SQLite: ``PRAGMA data_version`` changes when another connection has committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.db import connections

LAST_WAKE = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'actorqueues_wake'"
# There is one writer at a time: these numbers come in the order of the commits.
NEW_WAKES = "SELECT id, actor_id FROM actorqueues_wake WHERE id > ? ORDER BY id LIMIT ?"
MOST_WAKES = 1000

# Seconds between two looks: while somebody waits and something was written a moment ago; waits; nobody waits.
EAGER, QUICK, CALM = 0.001, 0.005, 0.02
MOMENT = 0.5  # seconds

Hint = tuple[str, list[UUID] | None]


class SQLiteSource:
    """Tells of new work by the actors' ids, of anything else with every commit, whatever it was about.

    A look costs a few microseconds. A worker's own commits are seen as well, and mostly bring no wakes.
    """

    def __init__(self, using: str, topics: Iterable[str], quick: Callable[[], bool]) -> None:
        self._topics = list(topics)
        self._quick = quick
        wrapper: Any = connections[using]
        # Not through the wrapper: it belongs to the thread that made it.
        self._connection: Any = wrapper.Database.connect(
            **{**wrapper.get_connection_params(), "check_same_thread": False, "isolation_level": None}
        )
        self._version = self._look()
        self._changed_at = time.monotonic()
        self._last_wake: int = self._connection.execute(LAST_WAKE).fetchone()[0]

    def wait(self, seconds: float) -> list[Hint]:
        """The hints that came within ``seconds``, as soon as there are some."""
        until = time.monotonic() + seconds
        while not (hints := self._hints()):
            left = until - time.monotonic()
            if left <= 0:
                return []
            time.sleep(min(left, self._pause()))
        return hints

    def _pause(self) -> float:
        if not self._quick():
            return CALM
        return EAGER if time.monotonic() < self._changed_at + MOMENT else QUICK

    def _hints(self) -> list[Hint]:
        if (version := self._look()) == self._version:
            return []
        self._version, self._changed_at = version, time.monotonic()
        hints: list[Hint] = []
        for topic in self._topics:
            if topic != "work":
                hints.append((topic, None))
            elif woken := self._woken():
                hints.append((topic, woken))
        return hints

    def _woken(self) -> list[UUID]:
        """Actors with new wakes. What this leaves out, the next look or poll finds."""
        rows = self._connection.execute(NEW_WAKES, (self._last_wake, MOST_WAKES)).fetchall()
        if rows:
            self._last_wake = rows[-1][0]
        if len(rows) == MOST_WAKES:
            self._version = -1  # there are more
        return [UUID(hex=text) for text in {text for _, text in rows}]

    def close(self) -> None:
        self._connection.close()

    def _look(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
