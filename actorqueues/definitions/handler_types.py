"""What type checkers see of ``@handler(...)`` with options. Never imported at run time."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar, overload

from actorqueues.definitions.handler import Handler

B = TypeVar("B")
R = TypeVar("R")


class Decorate(Protocol):
    """``@handler(timeout=10)``: body and reply are the annotations'."""

    @overload
    def __call__(self, function: Callable[[Any], Coroutine[Any, Any, R]], /) -> Handler[None, R]: ...
    @overload
    def __call__(self, function: Callable[[Any], R], /) -> Handler[None, R]: ...
    @overload
    def __call__(self, function: Callable[[Any, B], Coroutine[Any, Any, R]], /) -> Handler[B, R]: ...
    @overload
    def __call__(self, function: Callable[[Any, B], R], /) -> Handler[B, R]: ...
    @overload
    def __call__(self, function: Callable[[Any, B, Any], Coroutine[Any, Any, R]], /) -> Handler[B, R]: ...
    @overload
    def __call__(self, function: Callable[[Any, B, Any], R], /) -> Handler[B, R]: ...


class DecorateBody(Protocol[B]):
    """``@handler(body=Increment)``: the reply is the annotation's."""

    @overload
    def __call__(self, function: Callable[..., Coroutine[Any, Any, R]], /) -> Handler[B, R]: ...
    @overload
    def __call__(self, function: Callable[..., R], /) -> Handler[B, R]: ...


class DecorateReply(Protocol[R]):
    """``@handler(reply=Value)``: the body is the annotation's."""

    @overload
    def __call__(self, function: Callable[[Any], Any], /) -> Handler[None, R]: ...
    @overload
    def __call__(self, function: Callable[[Any, B], Any], /) -> Handler[B, R]: ...
    @overload
    def __call__(self, function: Callable[[Any, B, Any], Any], /) -> Handler[B, R]: ...


class DecorateBoth(Protocol[B, R]):
    """``@handler(body=Increment, reply=Value)``."""

    def __call__(self, function: Callable[..., Any], /) -> Handler[B, R]: ...
