"""What the browsable API fills its forms in with: a body that fits, to be changed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from actorqueues.api.json_schemas import Schemas
from actorqueues.definitions.action import Action
from actorqueues.definitions.queue import Queue
from actorqueues.web.arguments import validator_of

Node = Mapping[str, Any]

DEEPEST = 8  # a model that contains itself has no end
WAIT = {"wait": True, "timeout": 5000}
OF_FORMAT = {
    "date-time": "2030-01-01T12:00:00Z",
    "date": "2030-01-01",
    "time": "12:00:00",
    "duration": "PT1H",
    "uuid": "00000000-0000-0000-0000-000000000000",
}
OF_TYPE = {"integer": 0, "number": 0, "boolean": False, "array": []}


class Prefilled:
    """What DRF's renderer asks a serializer for: it writes ``data`` into the form, and looks through ``fields``."""

    fields: Mapping[str, Any] = {}

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data


def example_message(queue: Queue[Any, Any]) -> dict[str, Any]:
    """A message that is waited for, so that the page shows its reply."""
    if queue.body is None:
        return dict(WAIT)
    schemas = Schemas()
    return {"body": example(schemas.of(queue.body), schemas.components), **WAIT}


def example_call(action: Action[Any, Any]) -> dict[str, Any]:
    try:
        found = validator_of(action).json_schema()
    except (PydanticInvalidForJsonSchema, PydanticUserError):
        return {"args": [], "kwargs": {}}
    given = example(found, found.get("$defs", {}))
    return {"args": [], "kwargs": given} if isinstance(given, dict) else {"args": given, "kwargs": {}}


def example(node: Node, components: Node, depth: int = 0) -> Any:
    """A value for this JSON Schema, of the right shape; what patterns and bounds want is left to the reader."""
    if depth > DEEPEST:
        return None
    if "$ref" in node:
        return example(components[node["$ref"].rpartition("/")[2]], components, depth + 1)
    if (given := given_value(node)) is not None:
        return given[0]
    for name in ("anyOf", "oneOf", "allOf"):
        if node.get(name):
            return example(node[name][0], components, depth + 1)
    if "properties" in node:
        return {name: example(one, components, depth + 1) for name, one in node["properties"].items()}
    if "prefixItems" in node:
        return [example(one, components, depth + 1) for one in node["prefixItems"]]
    return plain_value(node)


def given_value(node: Node) -> tuple[Any] | None:
    """What the schema itself names: its default, its only value, its first example or choice."""
    for name in ("default", "const"):
        if name in node:
            return (node[name],)
    for name in ("examples", "enum"):
        if node.get(name):
            return (node[name][0],)
    return None


def plain_value(node: Node) -> Any:
    kind = node.get("type")
    if kind == "string":
        return OF_FORMAT.get(node.get("format", ""), "")
    if kind == "object":
        return {}
    return node.get("minimum", OF_TYPE.get(kind or ""))
