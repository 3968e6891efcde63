"""What differs by vendor, and nothing else. ``dialect_for(using)`` is the only way in."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from actorqueues.storage.dialects.base import (
    Answer,
    Dialect,
    EventRow,
    Head,
    Row,
    Standing,
    Together,
    WantedHeads,
)
from actorqueues.storage.dialects.postgresql import PostgreSQL
from actorqueues.storage.dialects.sqlite import SQLite

__all__ = [
    "Answer",
    "Dialect",
    "EventRow",
    "Head",
    "Row",
    "Standing",
    "Together",
    "WantedHeads",
    "dialect_for",
]

DIALECTS: dict[str, Dialect] = {"postgresql": PostgreSQL(), "sqlite": SQLite()}


def dialect_for(using: str) -> Dialect:
    """The dialect of a database alias. Raises ``ImproperlyConfigured`` for a vendor that is not supported."""
    vendor = connections[using].vendor
    try:
        return DIALECTS[vendor]
    except KeyError:
        raise ImproperlyConfigured(
            f"actorqueues cannot store actors on {vendor!r} (database {using!r}): use PostgreSQL or SQLite."
        ) from None
