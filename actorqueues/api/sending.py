from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import exposed_queue
from actorqueues.api.addressing import ActorView
from actorqueues.api.envelope import read_envelope, read_idempotency_key
from actorqueues.client.asking import send_to_wait
from actorqueues.client.handle import Handle
from actorqueues.client.waiting import time_to_wait, wait_on_loop
from actorqueues.storage.outcomes import StoredOutcome
from actorqueues.web.bodies import message_body
from actorqueues.web.outcomes import wire_outcome
from actorqueues.web.views import Later


class QueueOfActorView(ActorView):
    """``POST {type}/{key}/queue/{queue}/``: sends a message, and with ``wait`` waits for its outcome."""

    def post(self, request: Request, **parts: str) -> Response | Later:
        queue = exposed_queue(self.actor_class, parts["queue"])
        self.require("publish", queue.name)
        envelope = read_envelope(request)
        body = message_body(queue, envelope.body)
        options = envelope.options(request.user, read_idempotency_key(request))
        if not envelope.wait:
            receipt = Handle[Any](self.target).send(queue, body, **options)
            return self.stored(receipt.id)
        seconds = time_to_wait(envelope.timeout_seconds)
        uid, outcome = send_to_wait(self.target, queue, body, options)
        return Later(partial(self.answer, uid, outcome, seconds))

    def stored(self, message_id: str) -> Response:
        location = self.address("message", key=self.segment, id=message_id)
        answer = {"status": "queued", "id": message_id}
        return Response(answer, status=status.HTTP_202_ACCEPTED, headers={"Location": location})

    async def answer(self, uid: UUID, outcome: StoredOutcome | None, seconds: float) -> Response:
        if outcome is None:
            outcome = await wait_on_loop(self.target.using, uid, seconds)
        return Response({**wire_outcome(outcome), "id": uid.hex})
