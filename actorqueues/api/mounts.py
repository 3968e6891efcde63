"""Where the API is mounted, as OpenAPI writes it: ``/api/{tenant}/actors/``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.urls import URLPattern
from rest_framework.versioning import NamespaceVersioning, URLPathVersioning

from actorqueues.api.lists import TypesView

PARAMETER = re.compile(r"{(\w+)}")


class Mount(NamedTuple):
    path: str
    namespaces: tuple[str, ...]


def mount_for(generator: Any) -> str | None:
    """The first mount among the URLs that a drf-spectacular generator describes; None where there is none.

    Of versions that namespaces or paths tell apart, that of the version which is described.
    """
    scheme, version = versioning(generator)
    found = list(mounts(generator.inspector, generator.inspector.patterns))
    if version and issubclass(scheme, NamespaceVersioning):
        found = [one for one in found if version in one.namespaces]
    if not found:
        return None
    path = found[0].path
    if version and issubclass(scheme, URLPathVersioning):
        path = path.replace(f"{{{scheme.version_param}}}", version)
    return path


def versioning(generator: Any) -> tuple[Any, str | None]:
    scheme: Any = TypesView.versioning_class or object
    return scheme, generator.api_version or getattr(scheme, "default_version", None)


def mounts(
    inspector: Any, patterns: Sequence[Any], prefix: str = "", namespaces: tuple[str, ...] = ()
) -> Iterator[Mount]:
    """As drf-spectacular looks for the project's own views: it passes over ours, which have no schema of DRF's."""
    for pattern in patterns:
        place = prefix + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            inside = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from mounts(inspector, pattern.url_patterns, place, inside)
        elif getattr(pattern.callback, "cls", None) is TypesView:
            yield Mount(inspector.get_path_from_regex(place), namespaces)


def parameters_of(path: str) -> list[str]:
    """The names of those that the mount itself has."""
    return PARAMETER.findall(path)
