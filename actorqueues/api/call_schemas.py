"""JSON Schema of actions: their arguments, by name and by place, and what they return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.errors import PydanticUserError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from actorqueues.api.json_schemas import PlainJsonSchema, Schemas
from actorqueues.definitions.action import Action
from actorqueues.definitions.annotations import module_namespace, raw_annotations, resolve
from actorqueues.web.arguments import validator_of

Parameter = Mapping[str, Any]

ANYTHING: JsonSchemaValue = {
    "type": "object",
    "properties": {"args": {"type": "array", "items": {}}, "kwargs": {"type": "object"}},
    "additionalProperties": False,
}


class CallJsonSchema(PlainJsonSchema):
    """A function is ``{"args": […], "kwargs": {…}}``: every argument by name or by place, as the function takes it."""

    def arguments_schema(self, schema: core_schema.ArgumentsSchema) -> JsonSchemaValue:
        parameters = [self.parameter(one) for one in schema["arguments_schema"]]
        placed = [one for one in parameters if one["mode"] != "keyword_only"]
        named = [one for one in parameters if one["mode"] != "positional_only"]
        described: JsonSchemaValue = {
            "type": "object",
            "properties": {
                "args": array_of(placed, self.rest(schema.get("var_args_schema"))),
                "kwargs": object_of(named, self.rest(schema.get("var_kwargs_schema"))),
            },
            "additionalProperties": False,
        }
        if any(one["required"] for one in parameters):
            described["anyOf"] = ways_to_give(placed, named)
        return described

    def parameter(self, argument: core_schema.ArgumentsParameter) -> Parameter:
        return {
            "name": self.get_argument_name(argument),
            "mode": argument.get("mode", "positional_or_keyword"),
            "required": argument["schema"]["type"] != "default",
            "schema": self.generate_inner(argument["schema"]),
        }

    def rest(self, schema: core_schema.CoreSchema | None) -> JsonSchemaValue | None:
        return None if schema is None else self.generate_inner(schema)


def array_of(placed: list[Parameter], rest: JsonSchemaValue | None) -> JsonSchemaValue:
    array: JsonSchemaValue = {"type": "array"}
    if placed:  # JSON Schema wants at least one
        array["prefixItems"] = [one["schema"] for one in placed]
    return array | ({"maxItems": len(placed)} if rest is None else {"items": rest})


def object_of(named: list[Parameter], rest: JsonSchemaValue | None) -> JsonSchemaValue:
    properties = {one["name"]: one["schema"] for one in named}
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False if rest is None else rest,
    }


def ways_to_give(placed: list[Parameter], named: list[Parameter]) -> list[JsonSchemaValue]:
    """What must be there, by how many arguments are given by place."""
    must_be_placed = [
        n for n, one in enumerate(placed, 1) if one["required"] and one["mode"] == "positional_only"
    ]
    counts = {0, *(n for n, one in enumerate(placed, 1) if one["required"])}
    return [
        way_to_give(count, [one["name"] for one in named if one["required"] and one not in placed[:count]])
        for count in sorted(counts)
        if count >= max(must_be_placed, default=0)
    ]


def way_to_give(count: int, names: list[str]) -> JsonSchemaValue:
    given: dict[str, JsonSchemaValue] = {}
    if count:
        given["args"] = {"minItems": count}
    if names:
        given["kwargs"] = {"required": names}
    return {"properties": given, "required": list(given)}


def arguments_of(action: Action[Any, Any], schemas: Schemas) -> dict[str, Any]:
    """Of the body of a call."""
    try:
        return schemas.of_adapter(validator_of(action), "validation", CallJsonSchema)
    except PydanticUserError:
        return ANYTHING


def output_of(action: Action[Any, Any], schemas: Schemas) -> dict[str, Any]:
    """As its annotation says; anything where there is none that can be read."""
    owner = action.owner
    returned = raw_annotations(action.function).get("return", Any)
    try:
        returned = resolve(returned, () if owner is None else (vars(owner), module_namespace(owner)))
    except NameError:
        return {}
    return schemas.of_type(returned, "serialization")
