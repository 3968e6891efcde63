"""OpenAPI, for drf-spectacular: the paths of every exposed actor, with its own schemas of queues, actions and state.

``SPECTACULAR_SETTINGS = {"OAS_VERSION": "3.1.1", "POSTPROCESSING_HOOKS": [..., "actorqueues.api.openapi.add_actors"]}``
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from actorqueues.access import exposed_actors
from actorqueues.access.exposure import exposed_actions, exposed_queues
from actorqueues.api.call_schemas import arguments_of, output_of
from actorqueues.api.json_schemas import Schemas, StoredJsonSchema
from actorqueues.api.mounts import mount_for, parameters_of
from actorqueues.api.operations import LOCATION, Operation, answer, operation, reference, refusals
from actorqueues.api.parameters import IDEMPOTENCY_KEY, KEY, MESSAGE_ID, in_path, in_query, of_list
from actorqueues.api.security import Security, media_types
from actorqueues.api.wire_schemas import NOTHING, SHARED, creation, envelope, outcome, page_of, shape, summary
from actorqueues.definitions.action import Action
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.guards import has_own_hook
from actorqueues.definitions.queue import Queue

Methods = dict[str, Operation]

THE_KEY = reference("parameters", "ActorKey")
KEY_INVALID, CONFLICT, TOO_LARGE = 400, 409, 413


def add_actors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook. Raises ``ImproperlyConfigured`` for OpenAPI 3.0: the schemas are JSON Schema's own."""
    if str(result.get("openapi", "")).startswith("3.0"):
        raise ImproperlyConfigured('Set SPECTACULAR_SETTINGS["OAS_VERSION"] to "3.1.1".')
    root = mount_for(generator)
    if root is None:  # it describes other URLs
        return result
    document = Document(root)
    result.setdefault("paths", {}).update(document.paths())
    components = result.setdefault("components", {})
    for kind, found in document.components().items():
        here = components.setdefault(kind, {})
        # What the project says of its own authentication stays.
        here.update(
            {name: one for name, one in found.items() if kind != "securitySchemes" or name not in here}
        )
    return result


class Document:
    def __init__(self, root: str) -> None:
        self.root, self.outer = root, parameters_of(root)
        self.schemas = Schemas()
        self.security = Security()
        self.media_types = media_types()

    def components(self) -> dict[str, dict[str, Any]]:
        return {
            "schemas": {**SHARED, **self.schemas.components},
            "parameters": {"ActorKey": KEY},
            "responses": refusals(self.media_types),
            "securitySchemes": self.security.components(),
        }

    def paths(self) -> dict[str, Methods]:
        types = operation("types", "Exposed types", self.answer(200, reference("schemas", "ActorTypes")))
        paths = {self.root: {"get": self.placed(types, self.security.anyone())}}
        for actor_class in exposed_actors():
            for path, methods in self.paths_of(actor_class):
                paths[f"{self.root}{actor_class.type_name}/{path}"] = {
                    method: self.placed(described, self.security_of(actor_class, path, method))
                    for method, described in methods.items()
                }
        return paths

    def placed(self, described: Operation, security: list[dict[str, Any]]) -> Operation:
        """Below this mount."""
        parameters = [*map(in_path, self.outer), *described["parameters"]]
        return {**described, "parameters": parameters, "security": security}

    def security_of(self, actor_class: type[Actor[Any]], path: str, method: str) -> list[dict[str, Any]]:
        """Lists and destroying are for staff where no hook says else."""
        hook = {("", "get"): "can_list", ("{key}/", "delete"): "can_destroy"}.get((path, method))
        only_users = hook is not None and not has_own_hook(actor_class, hook)
        return self.security.of(actor_class, method.upper(), only_users=only_users)

    def paths_of(self, actor_class: type[Actor[Any]]) -> Iterator[tuple[str, Methods]]:
        name = actor_class.type_name
        yield "", {"get": self.listing(name)}
        yield "{key}/", self.actor(name, actor_class)
        yield "{key}/messages/{id}/", self.message(name)
        for queue_name, queue in sorted(exposed_queues(actor_class).items()):
            yield f"{{key}}/queue/{queue_name}/", {"post": self.sending(name, queue_name, queue)}
        for action_name, action in sorted(exposed_actions(actor_class).items()):
            yield f"{{key}}/actions/{action_name}/", self.calling(name, action)

    def listing(self, name: str) -> Operation:
        page = self.answer(200, page_of(reference("schemas", "ActorListed")))
        return operation(f"{name}_list", f"Actors of type {name}", page, *of_list(), refusals=[KEY_INVALID])

    def actor(self, name: str, actor_class: type[Actor[Any]]) -> Methods:
        made = self.answer(201, reference("schemas", "ActorCreated"), LOCATION)
        gone = self.answer(202, reference("schemas", "ActorDestroying"))
        seen = self.answer(200, summary(self.state(actor_class)))
        return {
            "get": operation(f"{name}_get", "Summary and state", seen, THE_KEY, refusals=[KEY_INVALID]),
            "post": operation(
                f"{name}_create", "Create", made, THE_KEY, body=creation(), refusals=[KEY_INVALID, CONFLICT]
            ),
            "delete": operation(f"{name}_destroy", "Destroy", gone, THE_KEY, refusals=[KEY_INVALID]),
        }

    def state(self, actor_class: type[Actor[Any]]) -> dict[str, Any] | None:
        if not actor_class.definition.exposes("state"):
            return None
        annotation = actor_class.definition.state.annotation
        kind = dict if annotation is None else annotation
        return self.schemas.of_type(kind, "serialization", StoredJsonSchema)

    def message(self, name: str) -> Methods:
        told = self.answer(200, reference("schemas", "ActorMessage"))
        parts = (THE_KEY, MESSAGE_ID)
        return {
            "get": operation(
                f"{name}_message", "Where a message stands", told, *parts, refusals=[KEY_INVALID]
            ),
            "delete": operation(
                f"{name}_cancel", "Take a message back", told, *parts, refusals=[KEY_INVALID, CONFLICT]
            ),
        }

    def sending(self, name: str, queue_name: str, queue: Queue[Any, Any]) -> Operation:
        body = envelope(None if queue.body is None else self.schemas.of(queue.body))
        reply = NOTHING if queue.reply is None else self.schemas.of(queue.reply, "serialization")
        told = {
            **self.answer(200, outcome(reply)),
            **self.answer(202, reference("schemas", "ActorMessage"), LOCATION),
        }
        for response in told.values():
            response["links"] = links_to_message(name, self.outer)
        return operation(
            f"{name}_send_{queue_name}", f"Send to {queue_name}", told, THE_KEY, IDEMPOTENCY_KEY, body=body,
            refusals=[KEY_INVALID, CONFLICT],
        )  # fmt: skip

    def calling(self, name: str, action: Action[Any, Any]) -> Methods:
        body = arguments_of(action, self.schemas)
        told = self.answer(200, shape({"output": output_of(action, self.schemas)}))
        summary, refusing = f"Call {action.name}", (KEY_INVALID, CONFLICT, TOO_LARGE)
        calls = {
            "post": operation(
                f"{name}_call_{action.name}", summary, told, THE_KEY, body=body, refusals=refusing
            )
        }
        given = in_query(body, self.schemas) if action.safe else None
        if given is not None:
            reading = operation(
                f"{name}_read_{action.name}", summary, told, THE_KEY, *given, refusals=refusing
            )
            calls["get"] = reading
        return calls

    def answer(self, status: int, schema: dict[str, Any], headers: Any = None) -> dict[str, Any]:
        return answer(status, schema, self.media_types, headers)


def links_to_message(name: str, outer: list[str]) -> dict[str, Any]:
    """From what was sent to where it stands, and to taking it back."""
    same = {one: f"$request.path.{one}" for one in (*outer, "key")}
    parameters = {**same, "id": "$response.body#/id"}
    return {
        link: {"operationId": f"actors_{name}_{link}", "parameters": parameters}
        for link in ("message", "cancel")
    }
