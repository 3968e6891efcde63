"""What OpenAPI says of the addresses, headers and queries of requests."""

from __future__ import annotations

from typing import Any

from rest_framework.settings import api_settings

from actorqueues.api.actions import BY_PLACE
from actorqueues.api.json_schemas import Node, Schemas
from actorqueues.api.lists import LISTED, ActorsView
from actorqueues.api.pagination import default_pagination
from actorqueues.client.options import LONGEST_KEY

Parameter = dict[str, Any]

TEXTS = {"string", "integer", "number", "boolean"}  # what one value of a query can be

# UTF-8 byte by byte, each ~XX; no NUL, and nothing that the codec would not decode.
FOLLOWING = "~[89ABab][0-9A-Fa-f]"
ESCAPED = "|".join(
    (
        "~0[1-9A-Fa-f]|~[1-7][0-9A-Fa-f]",
        f"~(?:[Cc][2-9A-Fa-f]|[Dd][0-9A-Fa-f]){FOLLOWING}",
        f"~[Ee]0~[ABab][0-9A-Fa-f]{FOLLOWING}",
        f"~[Ee][1-9A-CEFa-cef](?:{FOLLOWING}){{2}}",
        f"~[Ee][Dd]~[89][0-9A-Fa-f]{FOLLOWING}",
        f"~[Ff]0~[9ABab][0-9A-Fa-f](?:{FOLLOWING}){{2}}",
        f"~[Ff][1-3](?:{FOLLOWING}){{3}}",
        f"~[Ff]4~8[0-9A-Fa-f](?:{FOLLOWING}){{2}}",
    )
)
PART = rf"(?:~|(?:[^/,~\x00]|{ESCAPED})+)"
KEY_PATTERN = rf"^(?:~~|{PART}(?:,{PART})*)$"

KEY = {
    "name": "key", "in": "path", "required": True,
    "description": "Parts joined by a comma, in each what is no letter, digit, -, _ or . written as the bytes of its"
    " UTF-8: ~2F. So is a part of dots alone. An empty part is ~, no parts are ~~. At most 128 bytes a part,"
    " 1,024 in all.",
    "schema": {"type": "string", "pattern": KEY_PATTERN},
    "example": "42,cart",
}  # fmt: skip
MESSAGE_ID = {
    "name": "id", "in": "path", "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}  # fmt: skip
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key", "in": "header",
    "description": "A repeat under it gets the first one's outcome.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{LONGEST_KEY}}}$"},
}  # fmt: skip


def of_list() -> list[Parameter]:
    """Its filters, and what its pages are chosen by."""
    status = {"type": "string", "enum": [one.value for one in LISTED]}
    beginning = (
        "How the key begins, written as in an address: 42 finds 42 and 420; with a comma, parts are whole."
    )
    return [
        query("key", {"type": "string"}, beginning),
        query("status", status, "Without it, all but those that are being destroyed."),
        *default_pagination()().get_schema_operation_parameters(ActorsView()),
    ]


def in_query(arguments: Node, schemas: Schemas) -> list[Parameter] | None:
    """Of a safe action's arguments those that a query can give; None where one that must be given is not among them."""
    by_name, by_place = (arguments["properties"][name] for name in ("kwargs", "args"))
    must = arguments.get("anyOf", [{}])[0].get("properties", {})
    required = must.get("kwargs", {}).get("required", ())
    texts = {name: as_text(one, schemas) for name, one in by_name.get("properties", {}).items()}
    given = {name: one for name, one in texts.items() if one is not None and name not in reserved()}
    if not given.keys() >= set(required):
        return None
    described = [query(name, one, required=name in required) for name, one in given.items()]
    if count := must.get("args", {}).get("minItems", 0):
        if None in [as_text(one, schemas) for one in by_place["prefixItems"][:count]]:
            return None
        described.append(query(BY_PLACE, {**by_place, "minItems": count}, required=True))
    return described


def reserved() -> tuple[str | None, ...]:
    """What the query of an action has for other ends: naming an argument so would not reach it."""
    return (BY_PLACE, api_settings.URL_FORMAT_OVERRIDE)


def as_text(schema: Node, schemas: Schemas) -> dict[str, Any] | None:
    """``schema`` without what no text in a query can be; None if nothing is left."""
    whole = schemas.resolved(schema)
    if "anyOf" in whole:
        kept = [text for one in whole["anyOf"] if (text := as_text(one, schemas)) is not None]
        beside = {
            name: one for name, one in whole.items() if name != "anyOf" and (name, one) != ("default", None)
        }
        return {**beside, "anyOf": kept} if kept else None
    if "oneOf" in whole or whole.get("type", "string") not in TEXTS:
        return None
    return dict(schema) if whole.keys() & {"type", "enum", "const"} else {**whole, "type": "string"}


def query(name: str, schema: Any, description: str = "", *, required: bool = False) -> Parameter:
    told = {"description": description} if description else {}
    return {"name": name, "in": "query", "required": required, **told, "schema": schema}


def in_path(name: str) -> Parameter:
    """One that the project's own URLs have before the API."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
