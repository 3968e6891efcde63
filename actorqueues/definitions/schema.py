"""Schemas of bodies, replies and state: whatever pydantic's ``TypeAdapter`` takes, to and from JSON text."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import (
    CoreConfig,
    PydanticSerializationError,
    SchemaSerializer,
    SchemaValidator,
    ValidationError,
)

from actorqueues.definitions.json_rules import (
    Path,
    first_refused_json,
    first_refused_value,
    lone_surrogate,
    not_serializable,
    path_text,
)

CONFIG: Final[CoreConfig] = {
    "ser_json_bytes": "base64",
    "val_json_bytes": "base64",
    "ser_json_inf_nan": "constants",
}
_WITH_CONFIG = frozenset({"model", "dataclass", "typed-dict"})
_NAMED_SCHEMAS = frozenset({"fields", "choices"})
_NO_SCHEMAS = frozenset({"metadata", "default", "expected", "members", "custom_error_context"})


class SchemaError(ValueError):
    """A value does not fit its schema. ``path`` leads to the place, ``problem`` says what is wrong there.

    ``problems`` has every place that is wrong, each with its path. ``refused``: it may fit, and has no form as JSON
    that could be stored.
    """

    def __init__(
        self,
        problem: str,
        path: Path = (),
        *,
        refused: bool = False,
        problems: tuple[tuple[Path, str], ...] = (),
    ) -> None:
        self.problem = problem
        self.path = path
        self.problems = problems or ((path, problem),)
        self.refused = refused
        super().__init__(f"{path_text(path)}: {problem}" if path else problem)

    @classmethod
    def from_validation(cls, error: ValidationError) -> "SchemaError":
        first, *others = error.errors(include_url=False, include_context=False, include_input=False)
        problem = first["msg"]
        if others:
            problem += "; " + "; ".join(f"{path_text(other['loc'])}: {other['msg']}" for other in others[:4])
        return cls(
            problem, first["loc"], problems=tuple((one["loc"], one["msg"]) for one in (first, *others))
        )


class Schema:
    """Values of one type, as JSON text and back. Bytes travel as base64, Decimal and datetime as strings."""

    def __init__(self, annotation: Any) -> None:
        """Raises what pydantic raises for a type it cannot handle."""
        self.annotation = annotation
        kinds: set[str] = set()
        core_schema = _configured(TypeAdapter(annotation).core_schema, kinds)
        self.untyped = "any" in kinds
        self.validator, self.serializer, configured = _compiled(core_schema)
        # Where a model follows rules of its own, a NaN in it prints as null.
        self._null_may_be_nan = self.untyped or (not configured and "float" in kinds)

    def __repr__(self) -> str:
        return f"Schema({self.annotation!r})"

    def dump(self, value: Any) -> str:
        """Compact JSON text of ``value``: an instance, or what one is made from (a dict for a model).

        What is stored is what is delivered: the text is validated again. Raises ``SchemaError``, also for
        ``SecretStr``, NaN, infinity, NUL characters and lone surrogates.
        """
        if isinstance(value, Mapping) and not isinstance(value, dict):
            value = dict(value)
        try:
            return self.dump_valid(self.validator.validate_python(value))
        except ValidationError as error:
            raise SchemaError.from_validation(error) from None

    def load(self, text: str | bytes) -> Any:
        """The value that ``text`` stands for. Raises ``SchemaError``."""
        try:
            return self.validator.validate_json(text)
        except ValidationError as error:
            raise SchemaError.from_validation(error) from None

    def dump_valid(self, value: Any, *, strict: bool = False) -> str:
        """``dump`` for an instance. ``strict`` refuses fields that hold another type than they declare."""
        try:
            text = self.serializer.to_json(
                value, by_alias=True, round_trip=True, warnings="error" if strict else "none"
            ).decode()
        except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
            raise self._not_serializable(value, error) from None
        self._refuse(text, value)
        self.load(text)
        return text

    def plain(self, value: Any) -> Any:
        """``value`` as dicts, lists and the scalars inside them, before they become JSON."""
        return self.serializer.to_python(value, by_alias=True, round_trip=True, warnings=False)

    def _refuse(self, text: str, value: Any) -> None:
        if "\\u0000" in text or "NaN" in text or "Infinity" in text:
            refused = first_refused_json(json.loads(text, parse_constant=float))
            if refused is not None:
                raise SchemaError(*refused, refused=True)
        if "*****" in text or (self._null_may_be_nan and "null" in text):  # a secret prints as stars
            refused = first_refused_value(self.plain(value))
            if refused is not None:
                raise SchemaError(*refused, refused=True)

    def _not_serializable(self, value: Any, error: Exception) -> SchemaError:
        try:
            plain = self.plain(value)
            refused = first_refused_value(plain) or lone_surrogate(plain) or not_serializable(plain)
        except (PydanticSerializationError, ValueError, TypeError, RecursionError):
            refused = None
        if refused:
            return SchemaError(*refused, refused=True)
        mistyped = "UnexpectedValue" in str(error)
        return SchemaError(" ".join(str(error).split()), refused=not mistyped)


def _configured(node: Any, kinds: set[str]) -> Any:
    """A copy of a core schema in which every model follows ``CONFIG``; ``kinds`` collects the types in it.

    Pydantic takes this from each model's own ``model_config``, so that a NaN would silently become null, and
    bytes that are not UTF-8 could not be sent.
    """
    if isinstance(node, list | tuple):
        return type(node)(_configured(item, kinds) for item in node)
    if not isinstance(node, dict):
        return node
    copy = {}
    for key, value in node.items():
        if key in _NAMED_SCHEMAS and isinstance(value, dict):
            copy[key] = {name: _configured(item, kinds) for name, item in value.items()}
        else:
            copy[key] = value if key in _NO_SCHEMAS else _configured(value, kinds)
    kind = node.get("type")
    if isinstance(kind, str):
        kinds.add(kind)
        if kind in _WITH_CONFIG:
            copy["config"] = {**(node.get("config") or {}), **CONFIG}
    return copy


def _compiled(core_schema: Any) -> tuple[SchemaValidator, SchemaSerializer, bool]:
    """Validator, serializer, and whether they follow ``CONFIG`` in nested models too."""
    # Prebuilt parts would bring the models' own configuration back. The option has no public name.
    options: dict[str, Any] = {"_use_prebuilt": False}
    try:
        return (
            SchemaValidator(core_schema, CONFIG, **options),
            SchemaSerializer(core_schema, CONFIG, **options),
            True,
        )
    except TypeError:
        return SchemaValidator(core_schema, CONFIG), SchemaSerializer(core_schema, CONFIG), False
