from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import exposed_actor, exposed_queue
from actorqueues.api.addressing import ActorView
from actorqueues.api.browsing import example_message
from actorqueues.api.envelope import read_envelope, read_idempotency_key
from actorqueues.client.asking import send_to_wait
from actorqueues.client.handle import Handle
from actorqueues.client.waiting import time_to_wait
from actorqueues.storage.outcomes import StoredOutcome
from actorqueues.web.bodies import message_body
from actorqueues.web.outcomes import refuse_others, wire_outcome
from actorqueues.web.sending import outside_options
from actorqueues.web.views import AfterOutcome


class QueueOfActorView(ActorView):
    """``POST {type}/{key}/queue/{queue}/``: sends a message, and with ``wait`` waits for its outcome."""

    name = "Queue"
    description = (
        "A message for this queue: POST it. Without wait it is stored, and the answer comes at once."
    )

    def post(self, request: Request, **parts: str) -> Response | AfterOutcome:
        queue = exposed_queue(self.actor_class, parts["queue"])
        self.require("publish", queue.name)
        envelope = read_envelope(request)
        body = message_body(queue, envelope.body)
        options = outside_options(
            queue,
            request.user,
            delay=envelope.delay,
            dedupe=envelope.dedupe,
            idempotency_key=read_idempotency_key(request),
        )
        if not envelope.wait:
            receipt = Handle[Any](self.target).send(queue, body, **options)
            return self.stored(receipt.id)
        seconds = time_to_wait(envelope.timeout_seconds)
        admit = partial(refuse_others, self.access)
        pending = send_to_wait(self.target, queue, body, options, admit=admit, together=True)
        return AfterOutcome(pending, seconds, self.answer)

    def options(self, request: Request, *args: Any, **parts: Any) -> Response:  # type: ignore[override]  # DRF gives its own
        self.require("publish", exposed_queue(self.actor_class, parts["queue"]).name)
        return super().options(request, *args, **parts)

    def example(self) -> dict[str, Any]:
        return example_message(exposed_queue(exposed_actor(self.kwargs["type"]), self.kwargs["queue"]))

    def stored(self, message_id: str) -> Response:
        location = self.address("message", key=self.segment, id=message_id)
        answer = {"status": "queued", "id": message_id}
        return Response(answer, status=status.HTTP_202_ACCEPTED, headers={"Location": location})

    def answer(self, uid: UUID, outcome: StoredOutcome | None) -> Response:
        return Response({**wire_outcome(outcome), "id": uid.hex})
