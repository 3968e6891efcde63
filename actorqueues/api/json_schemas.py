"""JSON Schema of what travels, its models named once for the whole document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticOmit, core_schema

from actorqueues.definitions.schema import Schema

Mode = Literal["validation", "serialization"]
Node = Mapping[str, Any]

TEMPLATE = "#/components/schemas/{model}"


class PlainJsonSchema(GenerateJsonSchema):
    """As actions take arguments and give results: bytes are text."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        """Anything at all for what has no JSON Schema."""
        return {}

    def computed_field_schema(self, schema: core_schema.ComputedField) -> JsonSchemaValue:
        """What comes back as it was has no place for them."""
        raise PydanticOmit

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        return {"type": "string"}


class StoredJsonSchema(PlainJsonSchema):
    """As bodies, replies and states are stored: bytes are base64."""

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        return {"type": "string", "contentEncoding": "base64"}


class Schemas:
    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def of(self, schema: Schema, mode: Mode = "validation") -> dict[str, Any]:
        """Of a body, a reply, a state."""
        return self.of_type(schema.annotation, mode, StoredJsonSchema)

    def of_type(
        self, annotation: Any, mode: Mode, generator: type[GenerateJsonSchema] = PlainJsonSchema
    ) -> dict[str, Any]:
        """Anything at all for what pydantic does not know."""
        try:
            return self.of_adapter(TypeAdapter(annotation), mode, generator)
        except (PydanticInvalidForJsonSchema, PydanticUserError):
            return {}

    def of_adapter(
        self, adapter: TypeAdapter[Any], mode: Mode, generator: type[GenerateJsonSchema]
    ) -> dict[str, Any]:
        found = adapter.json_schema(ref_template=TEMPLATE, schema_generator=generator, mode=mode)
        renamed = {name: self.add(name, one) for name, one in found.pop("$defs", {}).items()}
        described: dict[str, Any] = pointed(found, renamed)
        for name in renamed.values():
            self.components[name] = pointed(self.components[name], renamed)
        return described

    def add(self, name: str, schema: Any) -> str:
        """Under its own name, or with a number where another model has that."""
        number, free = 2, name
        while self.components.get(free, schema) != schema:
            number, free = number + 1, f"{name}{number}"
        self.components[free] = schema
        return free

    def resolved(self, node: Node) -> Node:
        """The model that a reference leads to."""
        while "$ref" in node:
            node = self.components[node["$ref"].rpartition("/")[2]]
        return node


def pointed(node: Any, renamed: dict[str, str]) -> Any:
    """References lead to where their models are now."""
    if isinstance(node, list):
        return [pointed(item, renamed) for item in node]
    if not isinstance(node, dict):
        return node
    start = TEMPLATE.format(model="")
    return {
        name: start + renamed.get(value.removeprefix(start), value.removeprefix(start))
        if name == "$ref" and isinstance(value, str)
        else pointed(value, renamed)
        for name, value in node.items()
    }
