"""JSON Schema of what the REST edge itself takes and answers, around the schemas of each actor."""

from __future__ import annotations

from typing import Any

from actorqueues.api.pagination import default_pagination
from actorqueues.definitions.keys import MAX_PART_BYTES
from actorqueues.models import ActorStatus
from actorqueues.web.sending import LONGEST_DELAY, LONGEST_WAIT

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer", "minimum": 0}
MOMENT: Schema = {"type": "string", "format": "date-time"}
KEY_PARTS: Schema = {"type": "array", "items": TEXT}
NOTHING: Schema = {"type": "null"}
STANDINGS = ["queued", "scheduled", "inFlight", "retrying", "completed", "failed", "cancelled"]


def shape(properties: Schema, *optional: str) -> Schema:
    """An object; what is not ``optional`` is always there."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


ADDRESS = {"type": TEXT, "key": KEY_PARTS}
FACTS = {
    "id": TEXT,
    "status": {"enum": [status.value for status in ActorStatus]},
    "paused": FLAG,
    "awake": FLAG,
    "createdAt": either(MOMENT, NOTHING),
}
SHARED: dict[str, Schema] = {
    "ActorError": shape({"group": TEXT, "code": TEXT, "message": TEXT, "metadata": {"type": "object"}}),
    "ActorMessage": shape(
        {
            "id": TEXT, "status": {"enum": STANDINGS}, "queue": TEXT, "response": {}, "error": TEXT,
            "attempt": NUMBER, "enqueuedAt": MOMENT,
        },
        "queue", "response", "error", "attempt", "enqueuedAt",
    ),
    "ActorListed": shape({**ADDRESS, **FACTS, "url": {"type": "string", "format": "uri"}}),
    "ActorCreated": shape({**ADDRESS, "id": TEXT}),
    "ActorDestroying": shape({**ADDRESS, "status": {"const": "destroying"}}),
    "ActorTypes": shape({
        "types": {
            "type": "array",
            "items": shape({
                "type": TEXT,
                "queues": {"type": "array", "items": TEXT},
                "actions": {"type": "array", "items": shape({"name": TEXT, "safe": FLAG})},
                "state": FLAG,
                "url": {"type": "string", "format": "uri"},
            }),
        },
    }),
}  # fmt: skip


def page_of(listed: Schema) -> Schema:
    """As the pagination has it, which speaks OpenAPI 3.0."""
    array = {"type": "array", "items": listed}
    found: Schema = without_nullable(default_pagination()().get_paginated_response_schema(array))
    return found


def without_nullable(node: Any) -> Any:
    if isinstance(node, list):
        return [without_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {name: without_nullable(value) for name, value in node.items() if name != "nullable"}
    return either(plain, NOTHING) if node.get("nullable") is True else plain


def summary(state: Schema | None) -> Schema:
    """``state``: None where it is not exposed. Even then a hook may keep it back."""
    facts = {**ADDRESS, **FACTS, "queueSize": NUMBER}
    return shape(facts) if state is None else shape({**facts, "state": state}, "state")


def envelope(body: Schema | None) -> Schema:
    milliseconds = {"type": "number", "minimum": 0}
    return {
        "type": "object",
        "properties": {
            "body": NOTHING if body is None else body,
            "wait": FLAG,
            "timeout": {**milliseconds, "maximum": LONGEST_WAIT},
            "delay": {**milliseconds, "maximum": LONGEST_DELAY},
            "dedupe": {"type": "string", "maxLength": MAX_PART_BYTES},
        },
        "required": [] if body is None else ["body"],
        "additionalProperties": False,
    }


def outcome(reply: Schema) -> Schema:
    return shape(
        {
            "status": {"enum": ["completed", "timedOut", "failed"]},
            "response": either(reply, NOTHING),
            "id": TEXT,
            "error": TEXT,
        },
        "error",
    )


def creation() -> Schema:
    return {"type": "object", "properties": {"input": {}}, "additionalProperties": False}
