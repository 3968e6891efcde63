"""Who may reach actors from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning, register
from rest_framework.permissions import DjangoModelPermissions

from actorqueues.definitions.registry import registry
from actorqueues.web.permissions import permissions_of


@register("actorqueues")
def check_permissions(**options: Any) -> list[CheckMessage]:
    """W031: permissions that are about a model, which no actor has: DRF answers every request with a 500 then."""
    exposed = [actor_class for actor_class in registry.all() if actor_class.exposed]
    asked = {
        actor_class.type_name: {type(one).__name__ for whole in permissions_of(actor_class) for one in parts(whole)
                                if isinstance(one, DjangoModelPermissions)}
        for actor_class in exposed
    }  # fmt: skip
    return [
        Warning(
            f'{", ".join(sorted(names))} cannot be asked about actors of type "{type_name}": they have no model.',
            hint="Give the actor permission_classes of its own, such as [IsAuthenticated], or change "
            'REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"].',
            id="actorqueues.W031",
        )
        for type_name, names in asked.items()
        if names
    ]


def parts(permission: Any) -> Iterator[Any]:
    """Of one that is put together with ``&``, ``|`` and ``~``."""
    inside = [getattr(permission, name) for name in ("op1", "op2") if hasattr(permission, name)]
    if not inside:
        yield permission
    for one in inside:
        yield from parts(one)
