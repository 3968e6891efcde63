from __future__ import annotations

from django.conf import settings as django_settings
from django.http import Http404
from django.urls import Resolver404, resolve
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.web.views import WebView


class NowhereView(WebView):
    """Whatever else is asked for below the mount: a 404 in the wire's form, to whomever."""

    name = "Nothing"
    format_kwarg = None  # addresses end in no format here; DRF sets this in what ``work`` passes over

    def work(self, request: Request) -> Response:
        """Raises ``Http404``."""
        if self.is_elsewhere_with_slash(request):
            place = request._request.get_full_path(force_append_slash=True)
            return Response(status=301, headers={"Location": place})
        raise Http404

    def is_elsewhere_with_slash(self, request: Request) -> bool:
        """A page of the project that ``CommonMiddleware`` would lead to if nothing were found here."""
        path = request._request.path_info
        if not django_settings.APPEND_SLASH or path.endswith("/") or request.method not in ("GET", "HEAD"):
            return False
        try:
            found = resolve(f"{path}/", getattr(request._request, "urlconf", None))
        except Resolver404:
            return False
        return getattr(found.func, "cls", None) is not NowhereView and getattr(
            found.func, "should_append_slash", True
        )
