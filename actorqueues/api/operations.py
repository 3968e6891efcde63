"""What OpenAPI says of one method at one address: what it takes, what it answers, how it may refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorqueues.api.wire_schemas import Schema

Operation = dict[str, Any]

RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}}
LOCATION = {"Location": {"required": True, "schema": {"type": "string", "format": "uri-reference"}}}
REFUSALS: dict[int, tuple[str, str, Schema]] = {
    400: ("ActorRequestInvalid", "The key, the query or the body is not what is expected here.", {}),
    401: ("ActorNotAuthenticated", "Who are you?", {"WWW-Authenticate": {"schema": {"type": "string"}}}),
    403: ("ActorForbidden", "Not for this user, or not without logging in.", {}),
    404: ("ActorNotFound", "It is not there, or not exposed.", {}),
    406: ("ActorNotAcceptable", "No such media type is given here.", {}),
    409: ("ActorConflict", "Not possible as things stand.", {}),
    411: ("ActorLengthRequired", "A body without a Content-Length.", {}),
    413: ("ActorTooLarge", "More bytes than are taken.", {}),
    415: ("ActorUnsupportedMediaType", "The body is not JSON.", {}),
    429: ("ActorThrottled", "Too many requests, or the queue is full.", RETRY_AFTER),
    503: ("ActorDatabaseUnavailable", "The database cannot be used now. Nothing was stored.", RETRY_AFTER),
}
ANYWHERE = (401, 403, 404, 406, 429, 503)
WITH_BODY = (411, 413, 415)


def operation(
    name: str,
    summary: str,
    responses: dict[str, Any],
    *parameters: Any,
    body: Schema | None = None,
    refusals: Sequence[int] = (),
) -> Operation:
    """``refusals``: statuses beside those that any request may get."""
    statuses = sorted({*ANYWHERE, *refusals, *(WITH_BODY if body is not None else ())})
    described: Operation = {
        "operationId": f"actors_{name}", "summary": summary, "tags": ["actors"], "parameters": list(parameters),
        "responses": {**responses, **{str(one): reference("responses", REFUSALS[one][0]) for one in statuses}},
    }  # fmt: skip
    if body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return described


def refusals(media_types: Sequence[str]) -> dict[str, Any]:
    """The components that operations refer to."""
    error = reference("schemas", "ActorError")
    return {
        name: {"description": description, "content": content(error, media_types), "headers": headers}
        for name, description, headers in REFUSALS.values()
    }


def answer(
    status: int, schema: Schema, media_types: Sequence[str], headers: Schema | None = None
) -> dict[str, Any]:
    told: dict[str, Any] = {"description": "Done", "content": content(schema, media_types)}
    if headers:
        told["headers"] = headers
    return {str(status): told}


def content(schema: Schema, media_types: Sequence[str]) -> dict[str, Any]:
    return {media_type: {"schema": schema} for media_type in media_types}


def reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
