"""The session that a WebSocket's cookie names, where the project logs users in by sessions.

A socket has no use for a middleware's: each of those keeps a copy of the scope for as long as the socket lasts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from typing import Any

from channels.auth import get_user
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import parse_cookie
from django.utils.module_loading import import_string


def logs_in() -> bool:
    """Whether a session's user counts here: over a WebSocket as over HTTP."""
    return apps.is_installed("django.contrib.auth") and has_sessions(tuple(django_settings.MIDDLEWARE))


@lru_cache
def has_sessions(middleware: Iterable[str]) -> bool:
    from django.contrib.auth.middleware import AuthenticationMiddleware  # it needs the app

    found = (import_string(name) for name in middleware)
    return any(isinstance(one, type) and issubclass(one, AuthenticationMiddleware) for one in found)


def session_of(scope: Any) -> SessionBase:
    """Not read yet: it queries when it is asked for something."""
    engine: Any = import_module(django_settings.SESSION_ENGINE)
    session: SessionBase = engine.SessionStore(session_key(scope))
    return session


def session_key(scope: Any) -> str | None:
    """A middleware's session, else what the handshake's cookie says."""
    if "session" in scope:
        key: str | None = scope["session"].session_key
        return key
    headers = [value.decode("latin1") for name, value in scope.get("headers") or () if name == b"cookie"]
    return parse_cookie("; ".join(headers)).get(django_settings.SESSION_COOKIE_NAME)


async def session_user(scope: Any) -> Any:
    """As it is stored at this moment; anonymous where the session has ended. None where there is none."""
    if session_key(scope) is None:
        return None
    asked: Any = {"session": session_of(scope)}
    return await get_user(asked)
