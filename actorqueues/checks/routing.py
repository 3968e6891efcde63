"""Database routers and the tables of actors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import router
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.checks import which
from actorqueues.models import Message


@register("actorqueues")
def check_routing(**options: Any) -> list[CheckMessage]:
    """E004: a router keeps the tables away from the actors' database. W028: one that reads them elsewhere."""
    connection = which.actors_connection()
    return [] if connection is None else [*kept_away(connection), *led_elsewhere(connection)]


def kept_away(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    models = apps.get_app_config("actorqueues").get_models()
    missing = [model for model in models if not router.allow_migrate_model(connection.alias, model)]
    if missing:
        yield Error(
            f'A router in DATABASE_ROUTERS does not let "migrate" make the tables of actorqueues in '
            f'"{connection.alias}", where ACTORQUEUES["DATABASE"] says they are.',
            hint=f'Let its allow_migrate("{connection.alias}", "actorqueues", …) return True or None.',
            id="actorqueues.E004",
        )


def led_elsewhere(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Only what a router says itself: without one, everything that is ours names its database."""
    for one in router.routers:
        for method in ("db_for_read", "db_for_write"):
            alias = getattr(one, method, lambda model: None)(Message)
            if alias not in (None, connection.alias):
                yield Warning(
                    f'{type(one).__name__}.{method} sends the models of actorqueues to "{alias}", and '
                    f'ACTORQUEUES["DATABASE"] is "{connection.alias}".',
                    hint=f'Let it return "{connection.alias}" or None for the app label "actorqueues".',
                    id="actorqueues.W028",
                )
