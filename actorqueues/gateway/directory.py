"""Which actors there are: looked up, made and destroyed by type and key, or by id."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import exposed_actor
from actorqueues.client.operating import destroy
from actorqueues.client.targets import Target
from actorqueues.conf import settings
from actorqueues.definitions.keys import decode_key, public_id
from actorqueues.exceptions import ActorExists, ActorNotFound
from actorqueues.gateway.addresses import addressed_by_id, stored_input
from actorqueues.gateway.presence import create_row, get_or_create_row, present_row, row_of
from actorqueues.gateway.requests import read_object
from actorqueues.gateway.views import GatewayView
from actorqueues.models import ActorInstance
from actorqueues.storage.actors import HERE
from actorqueues.web.bodies import RequestInvalid

MOST = 100  # actors in one answer
NAMESPACE = "default"


class ActorsView(GatewayView):
    """``GET``, ``PUT`` and ``POST actors``"""

    def get(self, request: Request, **prefix: str) -> Response:
        ids, name, key = (request.query_params.get(given) for given in ("actor_ids", "name", "key"))
        if ids is not None:
            found = [row for public in ids.split(",")[:MOST] if (row := self.found_by_id(public))]
        elif name is not None and key is not None:
            found = self.found_by_key(name, key)
        elif name is not None:
            return self.listed(name)
        else:
            raise RequestInvalid("Which actors? actor_ids=…, name=…, or name=… and key=….")
        return Response({"actors": [described(row) for row in found]})

    def put(self, request: Request, **prefix: str) -> Response:
        """Gets or creates."""
        row, created = get_or_create_row(read_target(read_object(request)), self.admit)
        return Response({"actor": described(row), "created": created})

    def post(self, request: Request, **prefix: str) -> Response:
        target = read_target(read_object(request))
        if not create_row(target, self.admit):
            raise ActorExists(actor=target.address)
        return Response({"actor": described(row_of(target))})

    def found_by_id(self, public: str) -> ActorInstance | None:
        try:
            target = addressed_by_id(public)
        except ActorNotFound:
            return None
        self.admit(target, "connect")
        return target.row()

    def found_by_key(self, name: str, key: str) -> list[ActorInstance]:
        target = Target.by_key(exposed_actor(name), decode_key(key), must_exist=True)
        row = present_row(target, self.admit)
        return [] if row is None else [row]

    def listed(self, name: str) -> Response:
        actor_class = exposed_actor(name)
        self.admit(Target.by_key(actor_class, (), must_exist=False), "list")
        rows = ActorInstance.objects.using(settings.DATABASE).filter(type=name, status__in=HERE)
        return Response({"actors": [described(row) for row in rows.order_by("-created_at", "id")[:MOST]]})


class ActorView(GatewayView):
    """``DELETE actors/{id}``"""

    def delete(self, request: Request, actor: str, **prefix: str) -> Response:
        target = addressed_by_id(actor)
        self.admit(target, "destroy")
        destroy(target)
        return Response({})


def read_target(given: dict[str, Any]) -> Target:
    """Raises ``RequestInvalid``, ``UnknownActor``, ``KeyInvalid``, ``BodyInvalid``, ``MessageTooLarge``."""
    name, key = given.get("name"), given.get("key")
    if not isinstance(name, str) or not isinstance(key, str):
        raise RequestInvalid("name and key are text: the actor's type, and the parts of its key joined by /.")
    input = stored_input(given.get("input"))
    return Target.by_key(exposed_actor(name), decode_key(key), must_exist=False, input=input)


def described(row: ActorInstance) -> dict[str, Any]:
    return {
        "actor_id": public_id(row.id, row.generation),
        "name": row.type,
        "key": row.key,
        "namespace_id": NAMESPACE,
        "runner_name_selector": NAMESPACE,
        "create_ts": int(row.created_at.timestamp() * 1000),
    }
