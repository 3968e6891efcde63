"""Who may come in, as OpenAPI says it: by what drf-spectacular knows of the project's authentication classes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.permissions import AllowAny
from rest_framework.settings import api_settings

from actorqueues.definitions.actor import Actor
from actorqueues.web.permissions import permissions_of
from actorqueues.web.views import WebView

Requirement = dict[str, list[str]]

NOBODY: Requirement = {}  # in a list of requirements: also without any


class DescribedView(WebView):
    """What drf-spectacular looks at in the place of a view: with an actor's permissions."""

    permissions: list[Any]

    def get_permissions(self) -> list[Any]:
        return self.permissions


class Security:
    """What one document needs; its ``components`` are those that were asked for."""

    def __init__(self) -> None:
        self.registry = ComponentRegistry()

    def anyone(self) -> list[Requirement]:
        return self.required("GET", [AllowAny()])

    def of(self, actor_class: type[Actor[Any]], method: str, *, only_users: bool) -> list[Requirement]:
        """``only_users``: whatever its permissions say."""
        found = self.required(method, permissions_of(actor_class) or [AllowAny()])
        return [one for one in found if one != NOBODY] if only_users else found

    def required(self, method: str, permissions: list[Any]) -> list[Requirement]:
        schema = described(permissions)
        schema.method, schema.registry = method, self.registry
        found: list[Requirement] = schema.get_auth()
        return found

    def components(self) -> dict[str, Any]:
        schemes: dict[str, Any] = self.registry.build({}).get("securitySchemes", {})
        return schemes


def media_types() -> list[str]:
    """That the project's renderers give, but for pages."""
    found: list[str] = described([]).map_renderers("media_type")
    return found


def described(permissions: list[Any]) -> AutoSchema:
    schema_class: Any = api_settings.DEFAULT_SCHEMA_CLASS  # a project may have its own
    schema = schema_class() if issubclass(schema_class, AutoSchema) else AutoSchema()
    schema.view = DescribedView(permissions=permissions)
    return schema
