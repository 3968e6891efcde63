"""Who is at the other end, where a project does it in its own way: middlewares, secret keys, odd cookies."""

import asyncio

import pytest
from channels.sessions import SessionMiddlewareStack
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils.functional import SimpleLazyObject

from actorqueues.web.callers import Caller


class TokenUser:
    """As those make it who believe a token: nothing of it is stored."""

    is_authenticated = is_active = True
    pk = 7


def handshake(*cookies, **scope):
    headers = [(b"host", b"testserver"), *((b"cookie", cookie.encode()) for cookie in cookies)]
    return {"type": "websocket", "path": "/ws/actors/", "headers": headers, **scope}


async def caller_of(scope):
    caller = Caller(scope)
    await caller.authenticate()
    return caller


def found(*cookies, **scope):
    return asyncio.run(caller_of(handshake(*cookies, **scope)))


def test_a_session_outlives_a_new_secret_key_while_the_old_one_is_a_fallback(log_in, settings):
    """As over HTTP. And it is not ended: then the next page would ask for a login."""
    settings.SECRET_KEY = "old"
    anna, session = log_in("anna")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    caller = found(f"sessionid={session}")
    assert caller.user == anna
    assert asyncio.run(caller.renew())
    assert Session.objects.filter(pk=session).exists()
    settings.SECRET_KEY_FALLBACKS = []
    assert not asyncio.run(caller.renew())


def test_in_channels_session_middleware_alone_the_end_of_the_session_is_seen(log_in):
    anna, session = log_in("anna")

    async def application(scope, receive, send):
        caller = await caller_of(scope)
        assert caller.user == anna
        assert await caller.renew()
        await asyncio.to_thread(Session.objects.filter(pk=session).delete)
        assert not await caller.renew()

    asyncio.run(SessionMiddlewareStack(application)(handshake(f"sessionid={session}"), None, None))


def test_a_user_of_a_middleware_who_is_not_stored_stays():
    caller = found(user=TokenUser())
    assert caller.user_id == "7"
    assert asyncio.run(caller.renew())


def test_a_user_of_a_middleware_within_somebody_else_s_session_stays_until_inactive(log_in):
    (_, session), (berta, _) = log_in("anna"), log_in("berta")
    caller = found(user=berta, session=SessionStore(session))
    assert asyncio.run(caller.renew())
    User.objects.filter(pk=berta.pk).update(is_active=False)
    assert not asyncio.run(caller.renew())


def test_a_middleware_s_user_may_be_looked_up_late(log_in):
    anna, _ = log_in("anna")
    assert found(user=SimpleLazyObject(lambda: User.objects.get(pk=anna.pk))).user == anna


def test_cookies_may_come_in_several_headers(log_in):
    anna, session = log_in("anna")
    assert found("theme=dark;", f"sessionid={session}", "last=1").user == anna


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file", "signed_cookies"])
@pytest.mark.parametrize(
    "cookie",
    [
        'sessionid="abcdefgh\\000hh"',
        'sessionid="abcdefgh\\355hh"',
        "sessionid=../../etc/passwd",
        'sessionid="',
    ],
)
def test_a_cookie_that_no_server_of_ours_made_is_nobody_s(log_in, settings, cookie, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    assert found(cookie).user_id is None


@pytest.mark.parametrize("in_session", [True, False])
def test_wherever_the_csrf_token_is_the_session_s_user_is_found(log_in, settings, in_session):
    settings.CSRF_USE_SESSIONS = in_session
    anna, session = log_in("anna")
    assert found(f"sessionid={session}").user == anna
