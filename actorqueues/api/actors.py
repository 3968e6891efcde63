"""One actor: what it is, making it, destroying it."""

from __future__ import annotations

import json
from typing import Any

from django.db import connections
from pydantic import BaseModel, ConfigDict
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import allows
from actorqueues.access.exposure import exposed_actions, exposed_queues
from actorqueues.api.addressing import ActorView
from actorqueues.api.envelope import validated
from actorqueues.client.operating import destroy, exists, read_state
from actorqueues.client.targets import Target
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.keys import public_id
from actorqueues.models import ActorInstance, ActorStatus
from actorqueues.storage.dialects import dialect_for
from actorqueues.web.bodies import RequestInvalid, read_object

MOST_COUNTED = 10_001  # messages; counting on would cost more than the number is worth


class Creation(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    input: Any = None


class OneActorView(ActorView):
    """``GET``, ``POST`` (create) and ``DELETE`` (destroy) ``{type}/{key}/``"""

    name = "Actor"
    description = "POST creates it with an input; what is sent to a queue creates it too."

    def get(self, request: Request, **parts: str) -> Response:
        self.require("connect")
        row = self.present.row()
        if row is None and not exists(self.present):
            raise self.present.not_found()
        answer = {**self.public, **summary(self.present, row)}
        if self.actor_class.definition.exposes("state") and allows(self.actor_class, self.access, "read"):
            answer["state"] = plain_state(self.actor_class, self.present)
        return Response(answer)

    def post(self, request: Request, **parts: str) -> Response:
        self.require("create")
        data = read_object(request)
        if data is None:
            raise RequestInvalid('Write {"input": …}, or send no body.')
        self.actor_class.create(self.key, input=validated(Creation, data).input)
        answer = {**self.public, "id": id_of(self.present, self.present.row())}
        location = self.address("actor", key=self.segment)
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Location": location})

    def example(self) -> dict[str, Any]:
        return {"input": None}

    def get_extra_action_url_map(self) -> dict[str, str]:
        """The links that the browsable API shows."""
        if not hasattr(self, "actor_class"):
            return {}
        queues, actions = exposed_queues(self.actor_class), exposed_actions(self.actor_class)
        key = self.kwargs["key"]
        return {
            **{f"Send to {name}": self.address("queue", key=key, queue=name) for name in sorted(queues)},
            **{f"Call {name}": self.address("action", key=key, action=name) for name in sorted(actions)},
        }

    def delete(self, request: Request, **parts: str) -> Response:
        self.require("destroy")
        destroy(self.present)
        return Response({**self.public, "status": "destroying"}, status=status.HTTP_202_ACCEPTED)


def summary(target: Target, row: ActorInstance | None) -> dict[str, Any]:
    """``row``: None for an actor that has mail and was never claimed."""
    return {
        "id": id_of(target, row),
        "status": ActorStatus.LIVE.value if row is None else row.status,
        "paused": row is not None and row.paused_at is not None,
        "awake": row is not None and row.worker_id is not None,
        "createdAt": None if row is None else row.created_at,
        "queueSize": queue_size(target),
    }


def id_of(target: Target, row: ActorInstance | None) -> str:
    return public_id(target.actor_id, 1 if row is None else row.generation)


def queue_size(target: Target) -> int:
    """Messages in its queues, those in flight included; never more than ``MOST_COUNTED``."""
    dialect, connection = dialect_for(target.using), connections[target.using]
    return dialect.mailbox_depths(connection, [target.actor_id], MOST_COUNTED).get(target.actor_id, 0)


def plain_state(actor_class: type[Actor[Any]], target: Target) -> Any:
    """As JSON has it. Raises ``StateInvalid``."""
    return json.loads(actor_class.definition.state.dump(read_state(target)))
