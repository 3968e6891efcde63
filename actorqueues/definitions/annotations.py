"""Annotations of handlers and actors, resolved when they are first used.

Only what is asked for is resolved, so that other names may stay under ``if TYPE_CHECKING:``.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, ForwardRef, TypeVar, get_args, get_origin

from typing_extensions import get_original_bases


def raw_annotations(function: Callable[..., Any]) -> Mapping[str, Any]:
    """The annotations as written: text, under ``from __future__ import annotations``."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(function, format=annotationlib.Format.FORWARDREF)
    return function.__annotations__


def resolve(annotation: Any, namespaces: tuple[Mapping[str, Any], ...]) -> Any:
    """The type that ``annotation`` names in ``namespaces`` (the inner ones first). Raises ``NameError``."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    names: dict[str, Any] = {}
    for namespace in reversed(namespaces):
        names.update(namespace)
    try:
        return eval(annotation, names)  # the text of an annotation in the project's own code
    except NameError:
        raise
    except Exception as error:
        raise NameError(f"{annotation!r} cannot be evaluated: {error}") from error


def module_namespace(owner: Any) -> Mapping[str, Any]:
    module = sys.modules.get(getattr(owner, "__module__", ""))
    return vars(module) if module is not None else {}


def type_argument(cls: type, base: type) -> Any:
    """The type parameter of ``base``: ``S`` for ``class C(Base[S])``; None for a bare base."""
    argument = _argument(cls, base, {})
    return None if isinstance(argument, TypeVar) else argument


def _argument(cls: type, base: type, given: Mapping[Any, Any]) -> Any:
    for original in get_original_bases(cls):
        origin = get_origin(original) or original
        if not (isinstance(origin, type) and issubclass(origin, base)):
            continue
        arguments = tuple(given.get(argument, argument) for argument in get_args(original))
        if origin is base:
            return arguments[0] if arguments else None
        parameters = getattr(origin, "__parameters__", ())
        found = _argument(origin, base, dict(zip(parameters, arguments, strict=False)))
        if found is not None:
            return found
    return None
