"""Which actor a request is about: by type and key (``rvt-method``, ``rvt-key``), else by its id."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from actorqueues.access import exposed_actor, exposed_actors
from actorqueues.client.clients import dump_input
from actorqueues.client.targets import Target
from actorqueues.conf import settings
from actorqueues.definitions.keys import parse_public_id
from actorqueues.exceptions import ActorNotFound
from actorqueues.gateway.inputs import InputInvalid, decode_input
from actorqueues.storage.actors import read_actor
from actorqueues.web.bodies import RequestInvalid


def addressed(actor: str, query: QueryDict) -> Target:
    """Raises ``UnknownActor``, ``ActorNotFound``, ``KeyInvalid``, ``MessageTooLarge``, ``RequestInvalid``."""
    method = query.get("rvt-method")
    if method is None:
        return addressed_by_id(actor)
    actor_class, key = exposed_actor(actor), key_of(query)
    if method == "get":
        return Target.by_key(actor_class, key, must_exist=True)
    if method == "getOrCreate":
        input = stored_input(query.get("rvt-input"))
        return Target.by_key(actor_class, key, must_exist=False, input=input)
    raise RequestInvalid("rvt-method is get or getOrCreate.")


def addressed_by_id(public_id: str) -> Target:
    """Raises ``ActorNotFound``, for actors that are not exposed too."""
    actor_id, _ = parse_public_id(public_id)
    row = read_actor(actor_id, using=settings.DATABASE)
    exposed = {actor_class.type_name: actor_class for actor_class in exposed_actors()}
    if row is None or row.type not in exposed:
        raise ActorNotFound(actor=public_id)
    target = Target.by_id(exposed[row.type], public_id)
    target.require_row()
    return target


def key_of(query: QueryDict) -> tuple[str, ...]:
    """The client joins the parts with commas and escapes none: a part with a comma arrives as two."""
    joined = query.get("rvt-key")
    return () if joined is None else tuple(joined.split(","))


def stored_input(text: Any) -> str | None:
    """The JSON text of an input in base64. Raises ``RequestInvalid``, ``BodyInvalid``, ``MessageTooLarge``."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise RequestInvalid("An input is CBOR in base64.")
    try:
        return dump_input(decode_input(text))
    except InputInvalid as error:
        raise RequestInvalid(str(error)) from None
