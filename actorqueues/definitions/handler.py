"""Handlers: queues whose messages a method of the actor answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, TypeVar, overload

from typing_extensions import TypeForm, Unpack

from actorqueues.conf import settings
from actorqueues.definitions.annotations import module_namespace, raw_annotations, resolve
from actorqueues.definitions.backoff import Backoff
from actorqueues.definitions.marks import UNSET, ContentType, UnsetType
from actorqueues.definitions.problems import DefinitionInvalid, Problem
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.receiving import Mailbox
from actorqueues.durations import Duration, optional_seconds

if TYPE_CHECKING:
    from actorqueues.definitions.actor import Actor
    from actorqueues.definitions.handler_types import Decorate, DecorateBody, DecorateBoth, DecorateReply
    from actorqueues.mailbox.message import Message

B = TypeVar("B")
R = TypeVar("R")

QUEUE_OPTIONS: Final = ("name", "priority", "max_attempts", "backoff", "max_depth", "dedupe")


class HandlerOptions(TypedDict, total=False):
    timeout: Duration | UnsetType | None
    atomic: bool
    name: str | None
    priority: int
    max_attempts: int | None
    backoff: Backoff
    max_depth: int | UnsetType | None
    dedupe: ContentType | None


class Handler(Queue[B, R]):
    """A queue with the function that handles its messages; its return value is the reply."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        body: Any = UNSET,
        reply: Any = UNSET,
        **options: Unpack[HandlerOptions],
    ) -> None:
        unknown = set(options) - set(HandlerOptions.__annotations__)
        if unknown:
            raise TypeError(f"handler() has no option {', '.join(sorted(unknown))}.")
        queue_options: Any = {name: value for name, value in options.items() if name in QUEUE_OPTIONS}
        super().__init__(body, reply=reply, **queue_options)
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self.atomic = bool(options.get("atomic", False))
        if self.atomic and self.is_async:
            raise TypeError(
                f"{function.__qualname__}: atomic=True needs a plain def: no transaction may await."
            )
        timeout = options.get("timeout", UNSET)
        self._timeout = timeout if timeout is UNSET else optional_seconds(timeout, "timeout")
        self.body_parameter, self.takes_message = _parameters(function)
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    @property
    def timeout(self) -> float | None:  # type: ignore[override]
        """Seconds a delivery may take, else the setting ``HANDLER_TIMEOUT``; None for no limit."""
        return settings.HANDLER_TIMEOUT if self._timeout is UNSET else self._timeout

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Actor[Any], owner: type) -> BoundHandler[B, R]: ...
    def __get__(self, instance: Actor[Any] | None, owner: type) -> Any:
        if instance is None:
            return self.of(owner)
        return BoundHandler(instance, self.of(owner))

    def call(self, actor: Actor[Any], body: Any, message: Message[Any, Any] | None) -> Any:
        """Run the function; a coroutine where it is async."""
        arguments: list[Any] = [actor]
        if self.body_parameter is not None:
            arguments.append(body)
        if self.takes_message:
            return self.function(*arguments, message=message)
        return self.function(*arguments)

    def _resolved(self, part: str) -> Any:
        annotation = self._annotations[part]
        if annotation is not UNSET:
            return super()._resolved(part)
        if part == "body":
            return self._annotated(self.body_parameter)
        return self._annotated("return")

    def _annotated(self, parameter: str | None) -> Any:
        if parameter is None:
            return None
        annotations = raw_annotations(self.function)
        if parameter in annotations:
            scope = getattr(self.function, "__globals__", {})
            return resolve(annotations[parameter], (vars(self.owner), scope, module_namespace(self.owner)))
        if parameter == "return":
            return None
        raise DefinitionInvalid(
            Problem(
                "E012",
                f"{self!r} does not say what its messages are: {parameter!r} has no annotation.",
                f"Annotate it ({parameter}: Increment), or write @handler(body=Increment) or body=Any.",
                self.owner,
            )
        )


class BoundHandler(Mailbox[B, R]):
    """A handler of the actor that is running: call it, or receive its messages yourself."""

    __slots__ = ()

    def __call__(self, body: Any = None, message: Message[Any, Any] | None = None) -> Any:
        """Run the function as it is: ``super().update_profile(body)``. Nothing is validated or stored."""
        assert isinstance(self.queue, Handler)
        return self.queue.call(self._actor, body, message)


def _parameters(function: Callable[..., Any]) -> tuple[str | None, bool]:
    """The name of the body's parameter (None for no body) and whether there is one for the message."""
    signature = inspect.signature(function, eval_str=False)
    names = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    others = [name for name in names[1:] if name != "message"]
    required = [name for name in others[1:] if signature.parameters[name].default is inspect.Parameter.empty]
    if not names or required:
        raise TypeError(
            f"{function.__qualname__}: a handler takes self, the body and, if it wants it, message; "
            f"not {signature}."
        )
    return (others[0] if others else None), "message" in names[1:]


@overload
def handler(  # a coroutine is also an R; the first that fits is meant
    function: Callable[[Any], Coroutine[Any, Any, R]], /
) -> Handler[None, R]: ...
@overload
def handler(function: Callable[[Any], R], /) -> Handler[None, R]: ...
@overload
def handler(function: Callable[[Any, B], Coroutine[Any, Any, R]], /) -> Handler[B, R]: ...
@overload
def handler(function: Callable[[Any, B], R], /) -> Handler[B, R]: ...
@overload
def handler(function: Callable[[Any, B, Any], Coroutine[Any, Any, R]], /) -> Handler[B, R]: ...
@overload
def handler(function: Callable[[Any, B, Any], R], /) -> Handler[B, R]: ...
@overload
def handler(**options: Unpack[HandlerOptions]) -> Decorate: ...
@overload
def handler(*, body: None, reply: None = None, **options: Unpack[HandlerOptions]) -> DecorateBody[None]: ...
@overload
def handler(*, body: TypeForm[B], **options: Unpack[HandlerOptions]) -> DecorateBody[B]: ...
@overload
def handler(*, reply: TypeForm[R], **options: Unpack[HandlerOptions]) -> DecorateReply[R]: ...
@overload
def handler(
    *, body: TypeForm[B], reply: TypeForm[R], **options: Unpack[HandlerOptions]
) -> DecorateBoth[B, R]: ...
def handler(function: Any = None, /, **options: Any) -> Any:
    """Make a method the handler of a queue of its own. Bare, or with options.

    ``timeout``: seconds or ``timedelta`` a delivery may take (the setting ``HANDLER_TIMEOUT``, None for no
    limit). ``atomic=True``: the function's own writes, the state and the settling commit in one transaction.
    ``body``, ``reply``: types, where the annotations cannot say them. The others as for ``Queue``. Raises
    ``TypeError`` for wrong options and signatures.
    """
    if function is not None:
        return Handler(function, **options)
    return lambda decorated: Handler(decorated, **options)
