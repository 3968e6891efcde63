from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import Access, exposed_queue
from actorqueues.access.permission import may_create
from actorqueues.client.asking import send_to_wait
from actorqueues.client.handle import Handle
from actorqueues.client.operating import exists
from actorqueues.client.targets import Target
from actorqueues.client.waiting import time_to_wait
from actorqueues.definitions.queue import Queue
from actorqueues.exceptions import Forbidden, MessageFailed
from actorqueues.gateway.addresses import addressed
from actorqueues.gateway.requests import read_object
from actorqueues.gateway.tags import encode
from actorqueues.gateway.views import GatewayView
from actorqueues.models import OutcomeStatus
from actorqueues.storage.outcomes import StoredOutcome
from actorqueues.web.bodies import RequestInvalid
from actorqueues.web.outcomes import refuse_others, told_error
from actorqueues.web.sending import LONGEST_WAIT
from actorqueues.web.views import AfterOutcome

NAMES = {"body", "name", "wait", "timeout"}  # the name is in the address too


class QueueView(GatewayView):
    """``POST gateway/{type or id}/queue/{name}``: sends, and with ``wait`` waits for the outcome."""

    def post(
        self, request: Request, actor: str, queue: str, token: str | None = None, **prefix: str
    ) -> Response | AfterOutcome:
        target = addressed(actor, request.query_params)
        self.check_actor_permissions(target.actor_class)
        found = exposed_queue(target.actor_class, queue)
        access = self.admit(target, "publish", found.name)
        refuse_creation(target, access)
        sent = read_send(read_object(request))
        body = body_of(found, sent.body)
        if not sent.wait:
            Handle[Any](target).send(found, body, user=request.user)
            return Response({"status": "completed"})
        seconds = time_to_wait(sent.seconds)
        admit = partial(refuse_others, access)
        pending = send_to_wait(target, found, body, {"user": request.user}, admit=admit, together=True)
        return AfterOutcome(pending, seconds, answer)


def refuse_creation(target: Target, access: Access) -> None:
    """Who may not create reaches only what is there. Raises ``Forbidden``."""
    if target.must_exist or may_create(target.actor_class, access):
        return
    target.must_exist = target.row() is not None
    if not target.must_exist and not exists(target):  # it exists by its mail before it has a row
        raise Forbidden()


@dataclass(frozen=True, slots=True)
class Send:
    body: Any
    wait: bool
    seconds: float | None  # None: the project's own limit


def read_send(given: dict[str, Any]) -> Send:
    """Raises ``RequestInvalid``."""
    if unknown := given.keys() - NAMES:
        names = ", ".join(sorted(unknown))[:100]
        raise RequestInvalid(
            f'A send has no "{names}". Wrap the message: {{"body": …, "wait": …, "timeout": …}}.'
        )
    wait, timeout = given.get("wait"), given.get("timeout")
    if wait is not None and not isinstance(wait, bool):
        raise RequestInvalid("wait is true or false.")
    if timeout is None:
        return Send(given.get("body"), bool(wait), None)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 <= timeout <= LONGEST_WAIT:
        raise RequestInvalid(f"timeout is a number of milliseconds from 0 to {LONGEST_WAIT}.")
    return Send(given.get("body"), bool(wait), timeout / 1000)


def body_of(queue: Queue[Any, Any], value: Any) -> Any:
    """What the queue's schema makes of JSON; bytes are base64 there. Raises ``BodyInvalid``."""
    if queue.body is None:
        return value  # None alone is sent
    return queue.load_body(json.dumps(value, default=base64_of))


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def answer(uid: UUID, outcome: StoredOutcome | None) -> Response:
    if outcome is None:
        return Response({"status": "timedOut"})
    if outcome.status != OutcomeStatus.COMPLETED:
        raise MessageFailed(message_id=uid.hex, error=told_error(outcome.error))
    if outcome.reply is None:
        return Response({"status": "completed"})
    return Response({"status": "completed", "response": encode(json.loads(outcome.reply))})
