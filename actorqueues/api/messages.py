"""A message that was sent: where it stands, and taking it back.

Who may publish to its queue may look after it. Where a user sent it, that is this user or staff: to others it is
not there.
"""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access.permission import may_take_back
from actorqueues.api.addressing import ActorView
from actorqueues.client.operating import cancel
from actorqueues.client.targets import Target
from actorqueues.client.waiting import uid_of
from actorqueues.exceptions import Forbidden, MessageUnknown, OperationRefused
from actorqueues.storage.outcomes import StoredOutcome
from actorqueues.web.messages import Found, look_for
from actorqueues.web.outcomes import told_error, wire_outcome

WIRE_STATUS = {"ready": "queued", "in_flight": "inFlight", "dead": "failed"}


class MessageView(ActorView):
    """``GET`` and ``DELETE {type}/{key}/messages/{id}/``"""

    name = "Message"
    description = "Where it stands, or what became of it. DELETE takes back what was not started."

    def get(self, request: Request, **parts: str) -> Response:
        return Response(wire_status(self.found()))

    def delete(self, request: Request, **parts: str) -> Response:
        found = self.found()
        if not may_take_back(self.access, found.user_id):
            raise Forbidden("You did not send this message.")
        uid = found.uid
        if not cancel(self.addressed, uid):
            raise OperationRefused(
                f"Message {uid.hex} has been started: it can no longer be cancelled.", message_id=uid.hex
            )
        return Response({"status": "cancelled", "id": uid.hex})

    @property
    def addressed(self) -> Target:
        return Target.by_key(self.actor_class, self.key, must_exist=False)

    def found(self) -> Found:
        """Raises ``MessageUnknown``, ``Forbidden``."""
        self.require("connect")
        uid = uid_of(self.kwargs["id"])
        found = look_for(self.addressed, uid, self.access)
        if found is None or not self.actor_class.definition.exposes(found.queue):
            raise MessageUnknown(message_id=uid.hex)
        self.require("publish", found.queue)
        return found


def wire_status(found: Found) -> dict[str, Any]:
    if isinstance(found, StoredOutcome):
        return {**wire_outcome(found), "id": found.uid.hex, "queue": found.queue}
    said: dict[str, Any] = {
        "status": WIRE_STATUS.get(found.status, found.status),
        "id": found.uid.hex,
        "queue": found.queue,
        "response": None,
        "attempt": found.attempt,
        "enqueuedAt": found.enqueued_at,
    }
    if found.error is not None:
        said["error"] = told_error(found.error)
    return said
