"""Actions: methods that run in the caller's process, on the committed state of an actor."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from types import MethodType
from typing import Any, Concatenate, Generic, Protocol, Self, TypeVar, overload

from typing_extensions import ParamSpec

from actorqueues.definitions.names import check_name

P = ParamSpec("P")
T = TypeVar("T")


class Action(Generic[P, T]):
    """A read-only method of an actor type: a reference on the class, the method itself on an instance.

    ``safe``: it may not send either, and is open to GET.
    """

    def __init__(self, function: Callable[..., Any], *, name: str | None = None, safe: bool = False) -> None:
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self.safe = safe
        self.name = check_name(name, "name=") if name else function.__name__
        self.attribute = ""
        self.owner: type[Any] | None = None
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __repr__(self) -> str:
        return f"<Action {self.function.__qualname__}>"

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner = owner
        self.attribute = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Callable[P, Any]: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        return self if instance is None else MethodType(self.function, instance)


class Decorate(Protocol):
    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]], /
    ) -> Action[P, T]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], T], /) -> Action[P, T]: ...


@overload
def action(  # a coroutine is also a T; the first that fits is meant
    function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]], /
) -> Action[P, T]: ...
@overload
def action(function: Callable[Concatenate[Any, P], T], /) -> Action[P, T]: ...
@overload
def action(*, name: str | None = None, safe: bool = False) -> Decorate: ...
def action(function: Any = None, /, *, name: str | None = None, safe: bool = False) -> Any:
    """Make a method an action. ``name``: on the wire. ``safe=True``: it may not send, and is open to GET."""
    if function is not None:
        return Action(function)
    return lambda decorated: Action(decorated, name=name, safe=safe)
