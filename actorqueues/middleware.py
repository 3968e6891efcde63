"""Middleware: whose request a message was sent in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from actorqueues.definitions.context import current_user

GetResponse = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class RequestUser:
    """The id of a request's user, asked for only when a message is sent.

    Asking costs queries and makes the response vary by cookie: most requests send nothing.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __call__(self) -> str | None:
        user = getattr(self.request, "user", None)
        pk = getattr(user, "pk", None)
        return None if pk is None else str(pk)


class CurrentUser:
    """Messages that are sent in a request carry its user: put it after ``AuthenticationMiddleware``.

    For sync and async stacks.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self.respond(request)
        token = current_user.set(cast(Any, RequestUser(request)))
        try:
            return self.get_response(request)
        finally:
            current_user.reset(token)

    async def respond(self, request: HttpRequest) -> Any:
        token = current_user.set(cast(Any, RequestUser(request)))
        try:
            return await cast(Awaitable[Any], self.get_response(request))
        finally:
            current_user.reset(token)
