"""Listening on PostgreSQL: a connection of its own that does nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connections

HEARTBEAT = 30.0  # seconds of silence after which the connection is asked whether it is still there

Hint = tuple[str, list[UUID] | None]


def channel_of(topic: str) -> str:
    return f"actorqueues_{topic}"


def connect(using: str) -> Any:
    """A psycopg connection in autocommit, outside Django's pool and its thread."""
    import psycopg

    parameters = connections[using].get_connection_params()
    return psycopg.connect(**{**parameters, "autocommit": True})


class PostgreSQLSource:
    """Hints from NOTIFY. Raises psycopg's errors when the connection is lost."""

    def __init__(self, using: str, topics: Iterable[str]) -> None:
        self._topics = {channel_of(topic): topic for topic in topics}
        self._connection = connect(using)
        for channel in self._topics:
            self._connection.execute(f"LISTEN {channel}")
        self._silence = 0.0

    def wait(self, seconds: float) -> list[Hint]:
        """The hints that came within ``seconds``, as soon as there are some."""
        notifications = list(self._connection.notifies(timeout=seconds, stop_after=1))
        self._silence = 0.0 if notifications else self._silence + seconds
        if self._silence >= HEARTBEAT:
            self._connection.execute("SELECT 1")
            self._silence = 0.0
        return [(self._topics[one.channel], ids_of(one.payload)) for one in notifications]

    def close(self) -> None:
        self._connection.close()


def ids_of(payload: str) -> list[UUID] | None:
    """None, "look yourself", also for what somebody else has put there."""
    try:
        return [UUID(hex=text) for text in payload.split(",")] if payload else None
    except ValueError:
        return None
