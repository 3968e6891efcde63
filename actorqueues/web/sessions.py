"""The session that a WebSocket's cookie names, where the project logs users in by sessions.

A socket has no use for a middleware's: each of those keeps a copy of the scope for as long as the socket lasts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.sessions.backends.base import SessionBase
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare
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
    key = parse_cookie("; ".join(headers)).get(django_settings.SESSION_COOKIE_NAME)
    return None if key is None or "\0" in key else key  # PostgreSQL cannot even look for that one


def session_user(scope: Any) -> Any:
    """As it is stored at this moment; anonymous where the session has ended. None where there is none. Queries."""
    if session_key(scope) is None:
        return None
    from django.contrib.auth.models import AnonymousUser  # it needs the app

    return user_of(session_of(scope)) or AnonymousUser()


def user_of(session: SessionBase) -> Any:
    """As Django's ``get_user`` has it, but nothing is written: of a new key a socket could not tell its browser."""
    stored_id, backend_path = session.get(SESSION_KEY), session.get(BACKEND_SESSION_KEY, "")
    if stored_id is None or backend_path not in django_settings.AUTHENTICATION_BACKENDS:
        return None
    user = load_backend(backend_path).get_user(get_user_model()._meta.pk.to_python(stored_id))
    return user if fits(user, session.get(HASH_SESSION_KEY)) else None


def fits(user: Any, session_hash: str | None) -> bool:
    """Whether the session was begun with the password that the user has now, under any secret key that still counts."""
    if not hasattr(user, "get_session_auth_hash"):
        return True
    hashes = [user.get_session_auth_hash()]
    if hasattr(user, "get_session_auth_fallback_hash"):
        hashes += user.get_session_auth_fallback_hash()
    return session_hash is not None and any(constant_time_compare(session_hash, one) for one in hashes)
