"""What is heard of the actors of another service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Event:
    """What an actor broadcast. ``number`` is None where it is transient: neither stored nor brought later."""

    number: int | None
    name: str
    data: Any
    message_id: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Every event above ``number`` comes from here on. Load the actor's state now, if you show it.

    The first thing that is heard, unless ``after`` was given; and later wherever events in between are no longer
    kept, or the actor was destroyed.
    """

    number: int
    name: None = None
    data: None = None
    message_id: None = None


Heard: TypeAlias = Event | Standing


@dataclass(frozen=True, slots=True)
class Progress:
    """What ``message.progress`` said there."""

    done: float
    total: float | None
    note: str
    attempt: int
