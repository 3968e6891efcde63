"""What can be seen without a database: settings and actor classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import connections

from actorqueues.conf import settings
from actorqueues.definitions.registry import registry

LEAST_LEASE = 2.0  # seconds


@register("actorqueues")
def check_settings(**options: Any) -> list[CheckMessage]:
    """E001: a name that ``ACTORQUEUES`` has not. E002: a value of the wrong kind. E003: no such database."""
    found: list[CheckMessage] = [
        Error(problem.message, hint=problem.hint, id=f"actorqueues.{'E001' if problem.unknown else 'E002'}")
        for problem in settings.problems()
    ]
    if not found and settings.DATABASE not in connections:
        found.append(
            Error(
                f'ACTORQUEUES["DATABASE"] is "{settings.DATABASE}", and DATABASES has no such name.',
                hint=f"It has: {', '.join(connections)}.",
                id="actorqueues.E003",
            )
        )
    return found


@register("actorqueues")
def check_time_zones(**options: Any) -> list[CheckMessage]:
    """E005: times without a time zone. A lease that ends in an hour that there is twice would have two ends."""
    if django_settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is False: no worker could run, since Django gives and takes times without a time zone then.",
            hint="Set USE_TZ = True, Django's default (docs.djangoproject.com, Time zones, Migration guide).",
            id="actorqueues.E005",
        )
    ]


@register("actorqueues")
def check_definitions(**options: Any) -> list[CheckMessage]:
    """E010 to E019, W015: mistakes in actor classes."""
    return [
        (Error if problem.id.startswith("E") else Warning)(
            problem.message, hint=problem.hint, obj=problem.subject, id=f"actorqueues.{problem.id}"
        )
        for problem in registry.problems
    ]


@register("actorqueues")
def check_times(**options: Any) -> list[CheckMessage]:
    """W026: times that make no sense together."""
    if any(True for _ in settings.problems()):
        return []  # they have their own checks, and cannot be read
    return [Warning(message, hint=hint, id="actorqueues.W026") for message, hint in odd_times()]


def odd_times() -> Iterator[tuple[str, str]]:
    if settings.LEASE < LEAST_LEASE:
        yield (
            f"LEASE is {settings.LEASE:g} seconds: a worker that is held up for a moment loses its actors.",
            f"Set it to {LEAST_LEASE:g} or more. The default is 15.",
        )
    if settings.POLL_INTERVAL > settings.LEASE:
        yield (
            (
                f"POLL_INTERVAL ({settings.POLL_INTERVAL:g}) is longer than LEASE ({settings.LEASE:g}): what a "
                f"dead worker held waits for the poll, not for the lease."
            ),
            "Set POLL_INTERVAL to a few seconds at most. The default is 1.",
        )
    if settings.REPLY_RETENTION <= settings.POLL_INTERVAL:
        yield (
            (
                f"REPLY_RETENTION ({settings.REPLY_RETENTION:g}) is not longer than POLL_INTERVAL "
                f"({settings.POLL_INTERVAL:g}): a reply may be gone before its sender looks for it."
            ),
            "Set REPLY_RETENTION to a minute at least. The default is 10 minutes.",
        )
