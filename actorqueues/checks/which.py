from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.conf import settings


def actors_connection() -> BaseDatabaseWrapper | None:
    """The connection of ``ACTORQUEUES["DATABASE"]``; None where that is wrong, which has its own check."""
    try:
        alias = settings.DATABASE
    except ImproperlyConfigured:
        return None
    known = alias in connections.settings
    return connections[alias] if known else None
