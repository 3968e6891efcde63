"""DRF's views on an event loop: one hop into a thread for all that is synchronous, none while somebody waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connections, transaction
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from actorqueues.access import Access, require
from actorqueues.access.permission import Deed
from actorqueues.access.requester import Transport
from actorqueues.bridge import in_thread
from actorqueues.client.users import ActingFor
from actorqueues.client.waiting import Pending
from actorqueues.definitions.actor import Actor
from actorqueues.exceptions import Forbidden
from actorqueues.storage.outcomes import StoredOutcome
from actorqueues.web.either import EitherWay, is_on_loop
from actorqueues.web.errors import wire_error
from actorqueues.web.headers import LazyHeaders
from actorqueues.web.permissions import refusal_of


@dataclass(frozen=True, slots=True)
class Later:
    """What a view's method returns when the response takes awaiting: ``finish`` runs on an event loop."""

    finish: Callable[[], Awaitable[Response]]

    def on_loop(self) -> Awaitable[Response]:
        return self.finish()

    def here(self) -> Response:
        return async_to_sync(self.finish)()

    def response(self, found: Any) -> Response:
        finished: Response = found
        return finished


@dataclass(frozen=True, slots=True)
class AfterOutcome:
    """The same when it takes the outcome of a message: None after ``seconds``.

    What is awaited and what is made of it are apart, for a coroutine around both would be a frame for each who waits.
    """

    pending: Pending
    seconds: float
    answer: Callable[[UUID, StoredOutcome | None], Response]

    def on_loop(self) -> Awaitable[StoredOutcome | None]:
        return self.pending.on_loop(self.seconds)

    def here(self) -> StoredOutcome | None:
        if self.pending.departure is not None:
            self.pending.departure.here()
        # As at the end of a request: what CONN_MAX_AGE does not keep, or a pool has lent, nobody needs meanwhile.
        close_old_connections()
        return self.pending.here(self.seconds)

    def response(self, found: Any) -> Response:
        return self.answer(self.pending.uid, found)


Answer = Response | Later | AfterOutcome


class LoopResponse(Response):
    """Rendered on the event loop: Django would go into a thread for it."""

    async def render(self) -> Response:  # type: ignore[override]
        rendered: Response = super().render()
        return rendered


class HereResponse(Response):
    """Made without an event loop, for a caller who may await it all the same: ``async_to_sync`` calls first, and
    awaits on a loop that it makes after that.
    """

    def __await__(self) -> Generator[Any, None, HereResponse]:
        return self
        yield


class WebView(APIView):
    """Its methods (``get``, ``post``, …) are synchronous and return a ``Response``, ``Later`` or ``AfterOutcome``.

    Authentication, permissions, throttles, parsers and renderers are the project's. Errors have the wire's form.
    A client that hangs up cancels what waits here; a hop that is under way still ends, so that what it stores
    may be stored. Under WSGI the thread waits.
    """

    view_is_async = True
    schema = None  # not DRF's to guess: actors describe themselves
    transport: ClassVar[Transport] = "http"

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        # A message must be committed before somebody waits for its reply; and Django refuses async views where
        # any database has ATOMIC_REQUESTS.
        view = EitherWay(super().as_view(**initkwargs))
        for alias in connections.settings:
            transaction.non_atomic_requests(using=alias)(view)
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        return self.answer_on_loop() if is_on_loop() else self.answer_here()

    async def answer_on_loop(self) -> Response:
        with ActingFor(self.request._request):  # there DRF puts the user whom it finds
            try:
                answer = await in_thread(self.work, self.request)
                if isinstance(answer, Response):
                    response = answer
                else:
                    self.grow_light()
                    response = answer.response(await answer.on_loop())
            except Exception as error:  # noqa: BLE001  of whatever kind: it gets the wire's form
                response = await in_thread(self.handle_exception, error)
        response = self.finalized(response)
        # Pages make queries; and for a WSGI request Django renders where no loop runs.
        if response.accepted_renderer.format != "api" and isinstance(self.request._request, ASGIRequest):
            response.__class__ = LoopResponse
        return response

    def grow_light(self) -> None:
        """Thousands may wait: three kilobytes of what nobody needs meanwhile, or can be made again."""
        request = self.request._request
        request.__dict__.pop("headers", None)
        if request.resolver_match is not None:
            request.resolver_match.tried = None  # URL patterns, for the page of a 404

    def answer_here(self) -> Response:
        with ActingFor(self.request._request):
            try:
                answer = self.work(self.request)
                response = answer if isinstance(answer, Response) else answer.response(answer.here())
            except Exception as error:  # noqa: BLE001  of whatever kind: it gets the wire's form
                response = self.handle_exception(error)
        response = self.finalized(response)
        response.__class__ = HereResponse
        return response

    def finalized(self, response: Response) -> Response:
        self.response = self.finalize_response(self.request, response, *self.args, **self.kwargs)
        return self.response

    def work(self, request: Request) -> Answer:
        self.initial(request, *self.args, **self.kwargs)
        name = (request.method or "").lower()
        method = getattr(self, name, self.http_method_not_allowed)
        if name not in self.http_method_names:
            method = self.http_method_not_allowed
        answer: Answer = method(request, *self.args, **self.kwargs)
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

    def require_of(self, actor_class: type[Actor[Any]], access: Access, deed: Deed, *names: str) -> None:
        """What the actor's hooks say. Raises ``Forbidden``, for nobody in particular ``NotAuthenticated``."""
        try:
            require(actor_class, access, deed, *names)
        except Forbidden:
            if access.user_id is None:
                self.permission_denied(self.request)
            raise

    def access_to(self, key: tuple[str, ...]) -> Access:
        request = self.request
        return Access(
            user=request.user,
            key=key,
            transport=self.transport,
            headers=LazyHeaders(request._request),
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
