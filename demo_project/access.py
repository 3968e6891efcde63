"""Who may play: nobody logs in, so what is open is said here, in one place."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


class Anybody(BasePermission):
    """Whoever reaches the demo, which listens on this machine only unless ``--host`` says otherwise.

    Without DEBUG it is no demo any more, and nobody may.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(settings.DEBUG)


class FromOurPages(SessionAuthentication):
    """DRF asks only those who are logged in for a CSRF token; here other sites' forms must not get in either."""

    def authenticate(self, request: Request) -> Any:
        self.enforce_csrf(request)
        return super().authenticate(request)


def may_kill(request: HttpRequest) -> bool:
    return bool(settings.DEBUG) and request.META.get("REMOTE_ADDR") in LOOPBACK
