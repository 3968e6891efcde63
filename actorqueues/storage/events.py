"""Events as they are read; and those that are broadcast from outside an activation."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connections

from actorqueues.models import Event
from actorqueues.storage.dialects import dialect_for

PROGRESS = "progress"


def read_events(actor_id: UUID, *, after: int, limit: int, using: str) -> list[Event]:
    """The numbered events after this number, in order, at most ``limit``."""
    events = Event.objects.using(using).filter(actor_id=actor_id, number__gt=after)
    return list(events.order_by("number")[:limit])


def read_progress(actor_id: UUID, message_uid: UUID, *, after: int, using: str) -> list[Event]:
    """What a message has reported after the event with this id, in order."""
    events = Event.objects.using(using).filter(actor_id=actor_id, message_uid=message_uid, id__gt=after)
    return list(events.filter(name=PROGRESS).order_by("actor_id", "id"))


def store_transient_events(
    actor_id: UUID, generation: int, events: Sequence[tuple[str, str, str | None]], *, using: str
) -> None:
    """Events ``(name, JSON text, user id)`` without a number: for whoever listens now."""
    now = dialect_for(using).now(connections[using])
    columns = ("actor_id", "generation", "name", "data", "user_id", "created_at")
    rows = [(actor_id, generation, name, data, user_id, now) for name, data, user_id in events]
    dialect_for(using).insert(connections[using], Event, columns, rows)
