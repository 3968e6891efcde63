from __future__ import annotations

from typing import Literal

from django.db import connections

from actorqueues.conf import settings

Transport = Literal["notify", "sqlite", "poll"]


def transport_of(using: str) -> Transport:
    """How wake-ups travel on this database: what the setting ``WAKEUP`` says, as far as the database can."""
    if settings.WAKEUP == "poll":
        return "poll"
    vendor = connections[using].vendor
    if vendor == "postgresql":
        return "notify"
    return "sqlite" if vendor == "sqlite" else "poll"
