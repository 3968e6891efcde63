"""An actor's ``permission_classes``, or the project's, on whatever transport a request came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.settings import api_settings

from actorqueues.definitions.actor import Actor


def permissions_of(actor_class: type[Actor[Any]]) -> list[Any]:
    """Instances, as DRF's views have them."""
    own: Sequence[Any] | None = actor_class.permission_classes
    classes: Sequence[Any] = (
        api_settings.DEFAULT_PERMISSION_CLASSES if own is None else own
    )  # imported by DRF
    return [permission() for permission in classes]


def refusal_of(actor_class: type[Actor[Any]], request: Any, view: Any) -> Any | None:
    """The first permission that says no (its ``message`` and ``code`` may tell why); None: all say yes."""
    for permission in permissions_of(actor_class):
        if not permission.has_permission(request, view):
            return permission
    return None
