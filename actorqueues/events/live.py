"""What those who listen to actors are handed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from actorqueues.storage.dialects import EventRow
from actorqueues.storage.events import Standing


@dataclass(slots=True)
class LiveEvent:
    """One event, shared by all who hear it. ``number`` None: a transient one; ``data`` is JSON text."""

    id: int
    actor_id: UUID
    actor_type: str
    key: tuple[str, ...]
    number: int | None
    name: str
    data: str
    message_uid: UUID | None
    user_id: str | None
    texts: dict[str, str] = field(default_factory=dict)

    def text(self, protocol: str, make: Callable[[LiveEvent], str]) -> str:
        """Its form on the wire, made once for all sockets of a protocol."""
        text = self.texts.get(protocol)
        if text is None:
            text = self.texts[protocol] = make(self)
        return text


@dataclass(frozen=True, slots=True)
class Started:
    """From here on nothing is missed: what follows has higher numbers."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class Reset:
    """Events that would come next are no longer there (or the actor is another one): load its state anew."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """All that was committed before somebody asked for this has been handed over."""

    tell: Callable[[], Any]


Told = LiveEvent | Started | Reset | CaughtUp


def live_event(row: EventRow, actor_type: str, key: tuple[str, ...]) -> LiveEvent:
    return LiveEvent(
        row.id, row.actor_id, actor_type, key, row.number, row.name, row.data, row.message_uid, row.user_id
    )
