"""DRF's views on an event loop: one hop into a thread for all that is synchronous, none while somebody waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import connections, transaction
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from actorqueues.access import Access
from actorqueues.access.requester import Transport
from actorqueues.bridge import in_thread
from actorqueues.definitions.actor import Actor
from actorqueues.exceptions import Forbidden
from actorqueues.web.errors import wire_error
from actorqueues.web.permissions import refusal_of


@dataclass(frozen=True, slots=True)
class Later:
    """What a view's method returns when the response takes waiting: ``finish`` runs on the event loop."""

    finish: Callable[[], Awaitable[Response]]


class WebView(APIView):
    """Its methods (``get``, ``post``, …) are synchronous and return a ``Response`` or ``Later``.

    Authentication, permissions, throttles, parsers and renderers are the project's. Errors have the wire's form.
    A client that hangs up cancels what waits here; a hop that is under way still ends, so that what it stores
    may be stored.
    """

    view_is_async = True
    schema = None  # not DRF's to guess: actors describe themselves
    transport: ClassVar[Transport] = "http"

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        # A message must be committed before somebody waits for its reply; and Django refuses async views where
        # any database has ATOMIC_REQUESTS.
        view = super().as_view(**initkwargs)
        for alias in connections.settings:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        self.args, self.kwargs = args, kwargs
        self.request = wrapped = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            answer = await in_thread(self.work, wrapped)
            response = await answer.finish() if isinstance(answer, Later) else answer
        except Exception as error:  # noqa: BLE001  of whatever kind: it gets the wire's form
            response = await in_thread(self.handle_exception, error)
        self.response = self.finalize_response(wrapped, response, *args, **kwargs)
        if (
            getattr(self.response, "accepted_renderer", None)
            and self.response.accepted_renderer.format == "api"
        ):
            await in_thread(self.response.render)  # the browsable API makes queries
        return self.response

    def work(self, request: Request) -> Response | Later:
        self.initial(request, *self.args, **self.kwargs)
        name = (request.method or "").lower()
        method = getattr(self, name, self.http_method_not_allowed)
        if name not in self.http_method_names:
            method = self.http_method_not_allowed
        answer: Response | Later = method(request, *self.args, **self.kwargs)
        return answer

    def handle_exception(self, exc: Exception) -> Response:
        told = wire_error(self.told_to_log_in(exc))
        response = Response(told.payload, status=told.status, headers=told.headers)
        response.exception = True
        return response

    def told_to_log_in(self, error: Exception) -> Exception:
        """401 instead of 403, where the project's first authentication has a header for it, as in DRF."""
        from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied

        if isinstance(error, NotAuthenticated | AuthenticationFailed):
            header = self.get_authenticate_header(self.request)
            if header:
                error.auth_header = header  # type: ignore[union-attr]
            else:
                return PermissionDenied(error.detail)
        return error

    # Who asks

    def access_to(self, key: tuple[str, ...]) -> Access:
        request = self.request
        return Access(
            user=request.user,
            key=key,
            transport=self.transport,
            headers={name.lower(): value for name, value in request.headers.items()},
            params=self.access_params(),
        )

    def access_params(self) -> Mapping[str, Any]:
        return self.request.query_params.dict()

    def check_actor_permissions(self, actor_class: type[Actor[Any]]) -> None:
        """The actor's ``permission_classes`` or the project's. Raises DRF's errors, or ``Forbidden``."""
        refusal = refusal_of(actor_class, self.request, self)
        if refusal is not None:
            self.permission_denied(
                self.request, message=getattr(refusal, "message", None), code=getattr(refusal, "code", None)
            )
            raise Forbidden()

    def get_permissions(self) -> list[Any]:
        """None of the view itself: actors say who may reach them, once it is known which is meant."""
        return []
