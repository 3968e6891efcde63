from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connections

from actorqueues import clock
from actorqueues.conf import settings
from actorqueues.storage.dialects import dialect_for


class MovableClock:
    """The clock that schedules, retries, dedupe windows and expiry go by. It runs on from where it is put."""

    def advance(self, by: timedelta | None = None, **parts: float) -> None:
        """Moves it forward: ``advance(minutes=5)`` (what ``timedelta`` takes), or by a ``timedelta``."""
        step = (by or timedelta(0)) + timedelta(**parts)
        if step < timedelta(0):
            raise ValueError("The clock only goes forward.")
        clock.offset += step

    def now(self) -> datetime:
        """The time that the actors' database goes by. Reads the database."""
        using = settings.DATABASE
        return dialect_for(using).now(connections[using])

    def reset(self) -> None:
        clock.offset = timedelta(0)
