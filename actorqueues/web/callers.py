"""Who is at the other end of a WebSocket: authentication, permissions and origin, as for a request of DRF."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import QueryDict
from django.utils.http import is_same_domain
from rest_framework.exceptions import APIException, NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from actorqueues.access import Access, require
from actorqueues.access.permission import Deed
from actorqueues.access.requester import Transport
from actorqueues.bridge import in_thread
from actorqueues.definitions.actor import Actor
from actorqueues.exceptions import Forbidden
from actorqueues.web import sessions
from actorqueues.web.permissions import refusal_of

READING = frozenset({"connect", "read", "subscribe", "list"})


class Caller:
    """One connection's user. Everything but ``comes_from_here`` may query the database."""

    def __init__(self, scope: Any, transport: Transport = "websocket") -> None:
        self.scope, self.transport = scope, transport
        self.user: Any = None

    def http_request(self, method: str = "GET") -> ASGIRequest:
        scheme = {"wss": "https", "https": "https"}.get(self.scope.get("scheme", "ws"), "http")
        scope = {**self.scope, "type": "http", "method": method, "scheme": scheme}
        request = ASGIRequest(scope, io.BytesIO())
        if "session" in self.scope:
            request.session = self.scope["session"]
        elif sessions.logs_in():
            request.session = sessions.session_of(self.scope)
        return request

    def request(self, method: str = "GET") -> Request:
        """As permissions see it: POST for what changes something, else GET."""
        request = Request(self.http_request(method))
        request.user = self.user
        return request

    async def authenticate(self) -> None:
        """The user of a middleware (``AuthMiddlewareStack``, or one of the project's own), else whom the project's
        DRF authentication finds. Raises what that raises.
        """
        self.user = await in_thread(self.user_at_first)

    def user_at_first(self) -> Any:
        user = self.scope.get("user")
        return getattr(user, "_wrapped", user) if is_authenticated(user) else self.found()

    async def renew(self) -> bool:
        """Looks anew who it is. False: no longer who it was when the connection was made."""
        before = self.user_id
        if before is None:
            return True
        self.user = await in_thread(self.user_again)
        return self.user_id == before and bool(getattr(self.user, "is_active", True))

    def user_again(self) -> Any:
        """The same user as it is stored now, by way of the session if it came by that; else anonymous or None."""
        if is_authenticated(self.scope.get("user")):
            session = self.scope.get("session")
            by_session = session is not None and str(session.get(SESSION_KEY)) == self.user_id
            return sessions.session_user(self.scope) if by_session else self.stored_user()
        try:
            return self.found()
        except APIException:
            return None

    def stored_user(self) -> Any:
        """What a middleware made of a token, say, need not be stored: then it stays."""
        users = getattr(type(self.user), "_default_manager", None)
        return self.user if users is None else users.filter(pk=self.user.pk).first()

    def found(self) -> Any:
        """By the headers of the handshake, its cookies among them where no middleware has looked at those."""
        classes: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES  # imported by DRF
        request = self.http_request()
        if "user" not in self.scope and sessions.logs_in():
            user = sessions.session_user(self.scope)
            if user is not None:  # as Django's middleware leaves it for DRF's SessionAuthentication
                request.user = user
        return Request(request, authenticators=[found() for found in classes]).user

    @property
    def user_id(self) -> str | None:
        return Access(self.user).user_id

    @property
    def is_somebody(self) -> bool:
        return is_authenticated(self.user)

    def access(self, key: tuple[str, ...]) -> Access:
        return Access(
            user=self.user,
            key=key,
            transport=self.transport,
            headers={
                name.decode("latin1").lower(): value.decode("latin1") for name, value in self.scope["headers"]
            },
            params=QueryDict(self.scope.get("query_string", b"")).dict(),
        )

    def admit(
        self,
        actor_class: type[Actor[Any]],
        key: tuple[str, ...],
        deed: Deed,
        *names: str,
        safe: bool | None = None,
    ) -> Access:
        """Asks ``permission_classes`` and the actor's hooks. Raises ``NotAuthenticated``, ``PermissionDenied``
        or ``Forbidden``. ``safe``: it is asked like a GET, by default where the deed only reads.
        """
        method = "GET" if (deed in READING if safe is None else safe) else "POST"
        request, view = self.request(method), APIView()
        view.request, view.args, view.kwargs = request, (), {"type": actor_class.type_name, "key": key}
        refusal = refusal_of(actor_class, request, view)
        request.parser_context.clear()  # it names the request: thousands of sockets would leave thousands of circles
        if refusal is not None:
            self.refuse(getattr(refusal, "message", None), getattr(refusal, "code", None))
        access = self.access(key)
        try:
            require(actor_class, access, deed, *names)
        except Forbidden:
            if not self.is_somebody:
                self.refuse(None, None)
            raise
        return access

    def refuse(self, message: Any, code: Any) -> None:
        if not self.is_somebody:
            raise NotAuthenticated()
        raise PermissionDenied(detail=message, code=code)

    def comes_from_here(self) -> bool:
        """A page of this host or of ``CSRF_TRUSTED_ORIGINS``; what is no browser sends no origin.

        A browser sends the user's cookies along whatever page opens the socket.
        """
        request = self.http_request()
        try:
            host = request.get_host()
        except DisallowedHost:
            return False
        origin = request.headers.get("origin")
        if origin is None:
            return True
        return same_host(origin, host) or any(
            fits(origin, trusted) for trusted in django_settings.CSRF_TRUSTED_ORIGINS
        )


def is_authenticated(user: Any) -> bool:
    return bool(getattr(user, "is_authenticated", False))


def same_host(origin: str, host: str) -> bool:
    """Whatever the scheme: a proxy may speak TLS for us."""
    try:
        named, here = urlsplit(origin), urlsplit(f"//{host}")
        defaults = {443, 80, None}
        ports = {named.port, here.port}
    except ValueError:
        return False
    return named.hostname == here.hostname and (len(ports) == 1 or ports <= defaults)


def fits(origin: str, trusted: str) -> bool:
    """As Django reads ``CSRF_TRUSTED_ORIGINS``: ``https://*.example.com`` are its subdomains."""
    if "*" not in trusted:
        return origin == trusted
    named, pattern = urlsplit(origin), urlsplit(trusted)
    return named.scheme == pattern.scheme and is_same_domain(named.netloc, pattern.netloc.lstrip("*"))
