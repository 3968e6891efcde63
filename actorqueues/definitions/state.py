"""State: an actor's own document, a dict or a pydantic model, and the text it is stored as."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from actorqueues.definitions.json_rules import (
    difference,
    first_refused_json,
    lone_surrogate,
    no_json,
    path_text,
)
from actorqueues.definitions.marks import UNSET
from actorqueues.definitions.schema import Schema, SchemaError
from actorqueues.exceptions import StateInvalid, StateNotSerializable

Upgrade = Callable[[Any], Any]
CHANGES: Final = ("it does not come back from JSON as it was", ())


class StateSchema:
    """How the state of one actor type begins, is stored and loaded. States are equal if their texts are."""

    def __init__(self, type_name: str, annotation: Any = None, initial: Any = UNSET) -> None:
        """``annotation`` None or ``dict`` is a dict of JSON; anything else is a type for pydantic."""
        self.type_name = type_name
        self.annotation = annotation
        self.schema = None if annotation in (None, dict, dict[str, Any]) else Schema(annotation)
        self._initial = initial

    def initial(self) -> Any:
        """A fresh first state. Raises ``StateInvalid`` where it does not fit the type."""
        initial = self._initial
        if callable(initial) and not isinstance(initial, type(UNSET)):
            initial = initial()
        elif isinstance(initial, BaseModel):
            initial = initial.model_copy(deep=True)
        else:
            initial = copy.deepcopy(initial)
        if initial is UNSET:
            return self._default()
        if self.schema is None:
            if not isinstance(initial, dict):
                raise self._invalid(f"initial_state must be a dict, not {type(initial).__name__}")
            return initial
        try:
            return self.schema.validator.validate_python(initial)
        except ValidationError as error:
            raise self._invalid(f"initial_state: {SchemaError.from_validation(error)}") from None

    def _default(self) -> Any:
        if self.schema is None:
            return {}
        try:
            return self.schema.validator.validate_python({})
        except ValidationError as error:
            raise self._invalid(str(SchemaError.from_validation(error))) from None

    def dump(self, value: Any) -> str:
        """The stored text. Raises ``StateInvalid`` or ``StateNotSerializable``, with the path."""
        return self._dump_dict(value) if self.schema is None else self._dump_typed(self.schema, value)

    def load(self, text: str, upgrade: Upgrade | None = None) -> Any:
        """The stored state; if it no longer fits, what ``upgrade`` makes of it. Raises ``StateInvalid``."""
        try:
            return self._load(text)
        except SchemaError as error:
            if upgrade is None:
                raise self._invalid(str(error)) from None
        try:
            upgraded = upgrade(json.loads(text))
        except Exception as error:
            raise self._invalid(f"upgrade_state() raised {type(error).__name__}: {error}") from error
        return self._accept(upgraded)

    def _load(self, text: str) -> Any:
        if self.schema is not None:
            return self.schema.load(text)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SchemaError(f"it is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise SchemaError(f"a dict was expected, not {type(value).__name__}")
        return value

    def _accept(self, upgraded: Any) -> Any:
        try:
            if self.schema is not None:
                upgraded = self.schema.validator.validate_python(upgraded)
            return self._load(self.dump(upgraded))
        except (ValidationError, SchemaError, StateNotSerializable, StateInvalid) as error:
            problem = SchemaError.from_validation(error) if isinstance(error, ValidationError) else error
            raise self._invalid(f"what upgrade_state() returned does not fit: {problem}") from None

    def _dump_dict(self, value: Any) -> str:
        if not isinstance(value, dict):
            raise self._invalid(f"a dict was expected, not {type(value).__name__}")
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            loaded = json.loads(text)
            text.encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise self._not_serializable(*_place(value, error)) from None
        if loaded != value:
            raise self._not_serializable(*(difference(value, loaded) or CHANGES))
        if "\\u0000" in text:
            refused = first_refused_json(loaded)
            if refused is not None:
                raise self._not_serializable(*refused)
        return text

    def _dump_typed(self, schema: Schema, value: Any) -> str:
        if isinstance(self.annotation, type) and not isinstance(value, self.annotation):
            kinds = self.annotation.__name__, type(value).__name__
            raise self._invalid(f"{kinds[0]} was expected, not {kinds[1]}")
        try:
            text = schema.dump_valid(value, strict=True)
        except SchemaError as error:
            raise self._wrong_type(schema, value, error) from None
        if schema.untyped:
            # Types say how a value comes back; where there are none, JSON may bring back something else.
            plain, loaded = schema.plain(value), schema.plain(schema.load(text))
            if plain != loaded:
                raise self._not_serializable(*(difference(plain, loaded) or CHANGES))
        return text

    def _wrong_type(
        self, schema: Schema, value: Any, error: SchemaError
    ) -> StateInvalid | StateNotSerializable:
        if error.refused:
            return self._not_serializable(error.problem, error.path)
        if not error.path:  # the serializer does not say where; validation does
            try:
                schema.validator.validate_python(schema.plain(value), strict=True)
            except ValidationError as found:
                error = SchemaError.from_validation(found)
            except Exception:  # noqa: BLE001  the first error says more
                return self._invalid(error.problem)
        return self._invalid(str(error))

    def _invalid(self, problem: str) -> StateInvalid:
        return StateInvalid(actor_type=self.type_name, problem=problem)

    def _not_serializable(self, problem: str, path: tuple[str | int, ...]) -> StateNotSerializable:
        place = f"{path_text(path)}: {problem}" if path else problem
        return StateNotSerializable(actor_type=self.type_name, problem=place, path=list(path))


def _place(value: Any, error: Exception) -> tuple[str, tuple[str | int, ...]]:
    """Where in a dict the JSON encoder gave up."""
    if isinstance(error, RecursionError) or "Circular" in str(error):
        return "it contains itself", ()
    return lone_surrogate(value) or first_refused_json(value) or no_json(value) or (str(error), ())
