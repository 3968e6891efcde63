"""How requests that wait are served."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Warning, register
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

WRAPPER = "actorqueues.asgi"


@register("actorqueues")
def check_asgi(**options: Any) -> list[CheckMessage]:
    """W029: actors are mounted in the URLs, and the ASGI application keeps a thread for each waiting request.

    It reads the module's text: importing it would set up Django and its logging once more.
    """
    module = asgi_module()
    source = source_of(module)
    if source is None or WRAPPER in source or not mounts_actors():
        return []
    return [
        Warning(
            f"Requests that wait for actors keep a thread each: {module} does not use {WRAPPER}.",
            hint=f"from {WRAPPER} import on_lanes, and wrap it there: on_lanes(get_asgi_application()).",
            id="actorqueues.W029",
        )
    ]


@register("actorqueues")
def check_middleware(**options: Any) -> list[CheckMessage]:
    """W030: requests share lanes, and a middleware that is only synchronous keeps one until its request is answered."""
    source = source_of(asgi_module())
    if source is None or WRAPPER not in source or not mounts_actors():
        return []
    only_sync = [name for name in django_settings.MIDDLEWARE if not is_async_capable(name)]
    if not only_sync:
        return []
    return [
        Warning(
            f"Only synchronous, so that a request that waits for an actor keeps its lane, and as many as there are "
            f"lanes hold up all others: {', '.join(only_sync)}.",
            hint="Make it async_capable (docs.djangoproject.com, Middleware, Asynchronous support), or leave it out.",
            id="actorqueues.W030",
        )
    ]


def is_async_capable(name: str) -> bool:
    """As Django asks when it loads middleware. What cannot be imported it will tell of itself."""
    try:
        return bool(getattr(import_string(name), "async_capable", False))
    except ImportError:
        return True


def asgi_module() -> str:
    application: str | None = getattr(django_settings, "ASGI_APPLICATION", None)
    return application.rpartition(".")[0] if application else ""


def source_of(module: str) -> str | None:
    """None where there is no such module, or no file of it."""
    try:
        spec = find_spec(module) if module else None
        return None if spec is None or spec.origin is None else Path(spec.origin).read_text()
    except (ImportError, OSError, ValueError):
        return None


def mounts_actors() -> bool:
    from actorqueues.web.views import WebView

    try:
        return any(issubclass(view, WebView) for view in class_views(get_resolver().url_patterns))
    except Exception:  # noqa: BLE001  Django's own checks say what is wrong with the project's URLs
        return False


def class_views(patterns: list[URLPattern | URLResolver]) -> Iterator[type]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from class_views(pattern.url_patterns)
        elif (view := getattr(pattern.callback, "cls", None)) is not None:
            yield view
