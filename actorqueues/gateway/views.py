"""What all views of the gateway share, and the smallest of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues import __version__
from actorqueues.access import Access
from actorqueues.access.permission import Deed
from actorqueues.client.targets import Target
from actorqueues.gateway.requests import connection_params, pass_on_token, refuse_encodings
from actorqueues.gateway.tags import encode
from actorqueues.web.views import Answer, WebView


class LeaveUnread(BaseParser):
    """The gateway reads for itself. Some versions of DRF parse a body to look for a CSRF token in it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        return {}


class EscapedRenderer(JSONRenderer):
    """JavaScript's texts may hold half a surrogate pair, which UTF-8 has no form for: JSON's escapes have."""

    ensure_ascii = True


class GatewayView(WebView):
    """Answers with JSON whatever the client accepts. Authentication and throttles are the project's.

    Its methods take whatever else the project's own prefix names, such as ``path("<slug:tenant>/rivet/", …)``.
    """

    transport = "gateway"
    versioning_class = None  # the protocol is Rivet's: the project's versions are nothing to its client
    parser_classes = [LeaveUnread]
    renderer_classes = [EscapedRenderer]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        pass_on_token(request, kwargs.get("token"))
        return super().initialize_request(request, *args, **kwargs)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)

    def work(self, request: Request) -> Answer:
        refuse_encodings(request)
        return super().work(request)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        response.data = encode(response.data)
        return response

    def access_params(self) -> Mapping[str, Any]:
        """What the client was given as ``params``; the query string is the protocol's own."""
        return connection_params(self.request)

    def admit(self, target: Target, deed: Deed, *names: str) -> Access:
        """Raises ``Forbidden``, for nobody in particular ``NotAuthenticated``, and what DRF's permissions raise."""
        self.check_actor_permissions(target.actor_class)
        access = self.access_to(target.parts)
        self.require_of(target.actor_class, access, deed, *names)
        return access


class MetadataView(GatewayView):
    """Asked before anything else, and for ever until it answers: so to everybody, whatever their token."""

    authentication_classes = []
    throttle_classes = []

    def get(self, request: Request, **prefix: str) -> Response:
        return Response({"runtime": "actorqueues", "version": __version__})


class NothingView(GatewayView):
    """Says in the client's own form that there is nothing at an address."""

    def work(self, request: Request) -> Response:
        raise NotFound(f"The gateway has nothing at {request.path}.")
