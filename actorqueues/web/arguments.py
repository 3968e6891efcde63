"""The arguments of an action that come from outside: checked against its signature before it runs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ArgsKwargs, PydanticUndefined

from actorqueues.definitions.action import Action
from actorqueues.definitions.annotations import module_namespace, resolve
from actorqueues.web.bodies import RequestInvalid

Given = tuple[Sequence[Any], Mapping[str, Any]]

MOST_NESTED = (
    150  # levels, of the 200 that JSON may have here: an action may put something around its arguments
)

_validators: WeakKeyDictionary[Action[Any, Any], TypeAdapter[Any]] = WeakKeyDictionary()


def checked_arguments(action: Action[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Given:
    """``args`` and ``kwargs`` as the action's annotations say, texts made into numbers and dates where needed.

    Raises ``RequestInvalid`` with what does not fit.
    """
    if nests_deeper([*args, *kwargs.values()], MOST_NESTED):
        raise RequestInvalid(
            f'The arguments of action "{action.name}" nest deeper than {MOST_NESTED} levels.'
        )
    try:
        found: Given = validator_of(action).validate_python(ArgsKwargs(tuple(args), dict(kwargs)))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems[:5])
        raise RequestInvalid(f'The arguments do not fit action "{action.name}": {told}') from None
    return found


def nests_deeper(values: Sequence[Any], levels: int) -> bool:
    for _ in range(levels + 1):
        inside = [one for one in values if isinstance(one, list | dict)]
        if not inside:
            return False
        values = [each for one in inside for each in (one.values() if isinstance(one, dict) else one)]
    return True


def validator_of(action: Action[Any, Any]) -> TypeAdapter[Any]:
    if action not in _validators:
        config = ConfigDict(arbitrary_types_allowed=True)
        _validators[action] = TypeAdapter(stand_in(action), config=config)
    return _validators[action]


def stand_in(action: Action[Any, Any]) -> Any:
    """A function that takes what the action takes after ``self``, and returns that."""

    def given(*args: Any, **kwargs: Any) -> Given:
        return args, kwargs

    signature = inspect.signature(action.function)
    parameters = [
        parameter.replace(annotation=annotation_of(action, parameter))
        for parameter in list(signature.parameters.values())[1:]
    ]
    given.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation=PydanticUndefined
    )
    given.__annotations__ = {one.name: one.annotation for one in parameters}
    return given


def annotation_of(action: Action[Any, Any], parameter: inspect.Parameter) -> Any:
    if parameter.annotation is inspect.Parameter.empty:
        return Any
    owner = action.owner
    try:
        return resolve(parameter.annotation, () if owner is None else (vars(owner), module_namespace(owner)))
    except NameError:  # under TYPE_CHECKING: it is for the action itself to look
        return Any
