"""JSON Schema of bodies and replies, their models named once for the whole document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from actorqueues.definitions.schema import Schema

TEMPLATE = "#/components/schemas/{model}"


class Schemas:
    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def of(
        self, schema: Schema, mode: Literal["validation", "serialization"] = "validation"
    ) -> dict[str, Any]:
        """Anything at all for what has no JSON Schema."""
        try:
            found = TypeAdapter(schema.annotation).json_schema(ref_template=TEMPLATE, mode=mode)
        except (PydanticInvalidForJsonSchema, PydanticUserError):
            return {}
        found = wired(found)
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


def wired(node: Any) -> Any:
    """Bytes are base64 on the wire."""
    if isinstance(node, list):
        return [wired(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "string" and node.get("format") in ("binary", "base64url"):
        return {**{k: v for k, v in node.items() if k != "format"}, "contentEncoding": "base64"}
    return {name: wired(value) for name, value in node.items()}


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
