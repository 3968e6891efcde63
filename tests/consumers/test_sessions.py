"""Whose session a socket's cookie names, without a middleware of Channels' around it."""

import asyncio
import json

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import User
from django.contrib.sessions.backends import signed_cookies
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission

from actorqueues import Actor
from actorqueues.web.callers import Caller
from tests.consumers.browser import CHANNELS_AUTH, Browser
from tests.fixtures.backends import only_sqlite

pytestmark = only_sqlite

NO_SESSIONS = {
    "AQ_TEST_REST_FRAMEWORK": json.dumps(
        {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"]}
    )
}


class OurAuthentication(AuthenticationMiddleware):
    pass


def middleware_by_function(get_response):
    return get_response


def found(cookie, **scope):
    """The caller that a socket with this cookie has."""
    headers = [(b"host", b"testserver"), (b"cookie", cookie.encode())]
    caller = Caller({"type": "websocket", "path": "/ws/actors/", "headers": headers, **scope})
    asyncio.run(caller.authenticate())
    return caller


def of(session):
    return f"theme=dark; sessionid={session}; last=1"


def test_the_session_s_user_is_found_and_seen_to_have_gone(log_in):
    anna, session = log_in("anna")
    caller = found(of(session))
    assert caller.user == anna
    assert asyncio.run(caller.renew())
    Session.objects.all().delete()
    assert not asyncio.run(caller.renew())


def test_a_cookie_of_no_session_is_nobody_s(log_in):
    log_in("anna")
    for cookie in (of("nonsense"), of(""), "theme=dark", ""):
        assert found(cookie).user_id is None, cookie


def test_a_session_that_was_begun_with_another_password_is_nobody_s(log_in):
    anna, session = log_in("anna")
    anna.set_password("another")
    anna.save()
    assert found(of(session)).user_id is None


def test_who_is_not_active_is_nobody(log_in):
    anna, session = log_in("anna")
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert found(of(session)).user_id is None


def test_a_cookie_of_another_name_is_that_of_the_settings(log_in, settings):
    anna, session = log_in("anna")
    settings.SESSION_COOKIE_NAME = "who"
    assert found(of(session)).user_id is None
    assert found(f"who={session}").user == anna


def test_another_engine_keeps_sessions_elsewhere(log_in, settings):
    anna, _ = log_in("anna")
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    store = signed_cookies.SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(anna.pk), anna.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store.save()
    assert found(of(store.session_key)).user == anna


@pytest.mark.parametrize(
    ("names", "counts"),
    [
        ([], False),
        (["django.contrib.sessions.middleware.SessionMiddleware"], False),
        ([f"{__name__}.OurAuthentication", f"{__name__}.middleware_by_function"], True),
    ],
)
def test_a_session_counts_where_the_project_has_the_middleware_for_it(log_in, settings, names, counts):
    anna, session = log_in("anna")
    settings.MIDDLEWARE = names
    assert found(of(session)).user_id == (str(anna.pk) if counts else None)


def test_who_a_middleware_found_counts_whatever_the_cookie_says(log_in):
    _, session = log_in("anna")
    berta, _ = log_in("berta")
    assert found(of(session), user=berta).user == berta


def test_permissions_see_the_session(log_in):
    class Friend(BasePermission):
        def has_permission(self, request, view):
            return request.session.get("friend", False)

    class Party(Actor):
        exposed = True
        permission_classes = (Friend,)

    _, session = log_in("anna")
    caller = found(of(session))
    with pytest.raises(PermissionDenied):
        caller.admit(Party, ("x",), "subscribe", "news")
    stored = SessionStore(session)
    stored["friend"] = True
    stored.save()
    caller.admit(Party, ("x",), "subscribe", "news")


@pytest.mark.parametrize(
    ("dress", "counts"), [({}, False), (CHANNELS_AUTH, True)], ids=["by itself", "in AuthMiddlewareStack"]
)
def test_where_rest_knows_no_sessions_only_channels_does(start_server, log_in, dress, counts):
    anna, session = log_in("anna")
    server = start_server(env={**NO_SESSIONS, **dress})

    async def main():
        async with Browser(server, session=session) as browser:
            assert browser.hello["user"] == (str(anna.pk) if counts else None)

    asyncio.run(main())
