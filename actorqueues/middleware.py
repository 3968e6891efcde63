"""Middleware: whose request a message was sent in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from actorqueues.client.users import ActingFor

GetResponse = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


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
        with ActingFor(request):
            return self.get_response(request)

    async def respond(self, request: HttpRequest) -> Any:
        with ActingFor(request):
            return await cast(Awaitable[Any], self.get_response(request))
