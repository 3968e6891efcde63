"""OpenAPI, for drf-spectacular: the paths of every exposed actor, with the schemas of its own queues.

``SPECTACULAR_SETTINGS = {"OAS_VERSION": "3.1.1", "POSTPROCESSING_HOOKS": [..., "actorqueues.api.openapi.add_actors"]}``
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from actorqueues.access import exposed_actors
from actorqueues.access.exposure import exposed_actions, exposed_queues
from actorqueues.api.envelope import LONGEST_DELAY, LONGEST_WAIT
from actorqueues.api.json_schemas import Schemas
from actorqueues.definitions.actor import Actor

Operation = dict[str, Any]
Paths = dict[str, dict[str, Operation]]

KEY = {
    "name": "key", "in": "path", "required": True, "description": "Parts joined by a comma, escaped with ~2F.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}(,[A-Za-z0-9_-]{1,40}){0,3}$"},
}  # fmt: skip
MESSAGE_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key", "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}  # fmt: skip
ERROR = {
    "type": "object",
    "properties": {
        "group": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"},
        "metadata": {"type": "object"},
    },
    "required": ["group", "code", "message", "metadata"],
}  # fmt: skip
MESSAGE = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "status": {"type": "string"}, "queue": {"type": "string"}},
    "required": ["id", "status"],
}
OBJECT = {"type": "object"}


def add_actors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook. Raises ``ImproperlyConfigured`` for OpenAPI 3.0: the schemas are JSON Schema's own."""
    if str(result.get("openapi", "")).startswith("3.0"):
        raise ImproperlyConfigured('Set SPECTACULAR_SETTINGS["OAS_VERSION"] to "3.1.1".')
    schemas = Schemas()
    root = reverse("actorqueues:types")
    paths: Paths = {root: {"get": operation("types", "Exposed types", answer(200, OBJECT))}}
    for actor_class in exposed_actors():
        paths.update(dict(paths_of(actor_class, f"{root}{actor_class.type_name}/", schemas)))
    result.setdefault("paths", {}).update(paths)
    components = result.setdefault("components", {}).setdefault("schemas", {})
    components.update({"ActorError": ERROR, "ActorMessage": MESSAGE, **schemas.components})
    return result


def paths_of(
    actor_class: type[Actor[Any]], root: str, schemas: Schemas
) -> Iterator[tuple[str, dict[str, Operation]]]:
    name, actor = actor_class.type_name, f"{root}{{key}}/"
    yield root, {"get": operation(f"{name}_list", f"Actors of type {name}", answer(200, OBJECT))}
    yield (
        actor,
        {
            "get": operation(f"{name}_get", "Summary and state", answer(200, OBJECT), KEY),
            "post": operation(f"{name}_create", "Create", answer(201, OBJECT), KEY, body=creation()),
            "delete": operation(f"{name}_destroy", "Destroy", answer(202, OBJECT), KEY),
        },
    )
    message = answer(200, reference("ActorMessage"))
    yield (
        f"{actor}messages/{{id}}/",
        {
            "get": operation(f"{name}_message", "Where a message stands", message, KEY, MESSAGE_ID),
            "delete": operation(f"{name}_cancel", "Take a message back", message, KEY, MESSAGE_ID),
        },
    )
    for queue_name, queue in sorted(exposed_queues(actor_class).items()):
        body = envelope(None if queue.body is None else schemas.of(queue.body))
        reply = {"type": "null"} if queue.reply is None else schemas.of(queue.reply, "serialization")
        told = {**answer(200, outcome(reply)), **answer(202, reference("ActorMessage"))}
        for response in told.values():
            response["links"] = links_to_message(name)
        sending = operation(
            f"{name}_send_{queue_name}", f"Send to {queue_name}", told, KEY, IDEMPOTENCY_KEY, body=body
        )
        yield f"{actor}queue/{queue_name}/", {"post": sending}
    for action_name, action in sorted(exposed_actions(actor_class).items()):
        told = answer(200, {"type": "object", "properties": {"output": {}}, "required": ["output"]})
        calls = {
            "post": operation(
                f"{name}_call_{action_name}", f"Call {action_name}", told, KEY, body=arguments()
            )
        }
        if action.safe:
            calls["get"] = operation(f"{name}_read_{action_name}", f"Call {action_name}", told, KEY)
        yield f"{actor}actions/{action_name}/", calls


def operation(
    name: str, summary: str, responses: dict[str, Any], *parameters: Any, body: dict[str, Any] | None = None
) -> Operation:
    described: Operation = {
        "operationId": f"actors_{name}", "summary": summary, "tags": ["actors"], "parameters": list(parameters),
        "responses": {**responses, **answer("default", reference("ActorError"), "Refused")},
    }  # fmt: skip
    if body is not None:
        described["requestBody"] = {"content": json_content(body)}
    return described


def answer(status: int | str, schema: dict[str, Any], description: str = "Done") -> dict[str, Any]:
    return {str(status): {"description": description, "content": json_content(schema)}}


def json_content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def links_to_message(name: str) -> dict[str, Any]:
    """From what was sent to where it stands, and to taking it back."""
    parameters = {"key": "$request.path.key", "id": "$response.body#/id"}
    return {
        link: {"operationId": f"actors_{name}_{link}", "parameters": parameters}
        for link in ("message", "cancel")
    }


def envelope(body: dict[str, Any] | None) -> dict[str, Any]:
    milliseconds = {"type": "number", "minimum": 0}
    return {
        "type": "object",
        "properties": {
            "body": {"type": "null"} if body is None else body,
            "wait": {"type": "boolean"},
            "timeout": {**milliseconds, "maximum": LONGEST_WAIT},
            "delay": {**milliseconds, "maximum": LONGEST_DELAY},
            "dedupe": {"type": "string", "maxLength": 32},
        },
        "required": [] if body is None else ["body"],
        "additionalProperties": False,
    }


def outcome(reply: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "status": {"enum": ["completed", "timedOut", "failed"]},
            "response": {"anyOf": [reply, {"type": "null"}]},
            "id": {"type": "string"},
            "error": {"type": "string"},
        },
        "required": ["status", "response", "id"],
    }


def creation() -> dict[str, Any]:
    return {"type": "object", "properties": {"input": {}}, "additionalProperties": False}


def arguments() -> dict[str, Any]:
    given = {"args": {"type": "array", "items": {}}, "kwargs": OBJECT}
    return {"type": "object", "properties": given, "additionalProperties": False}
