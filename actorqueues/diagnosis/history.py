"""What happened to an actor, for its timeline."""

from __future__ import annotations

from uuid import UUID

from actorqueues.conf import settings
from actorqueues.models import HistoryEntry


def read_history(actor_id: UUID, using: str) -> list[HistoryEntry]:
    """The last ``HISTORY_LIMIT`` failures, dead letters and operator actions of an actor, the latest first."""
    return list(HistoryEntry.objects.using(using).of(actor_id)[: settings.HISTORY_LIMIT])
