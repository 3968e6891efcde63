"""Messages and actions that come over a socket."""

from __future__ import annotations

import json
from typing import Any

from actorqueues.access import exposed_action, exposed_actor, exposed_queue
from actorqueues.access.permission import may_create
from actorqueues.bridge import in_thread
from actorqueues.client.actions import acall
from actorqueues.client.asking import send_to_wait
from actorqueues.client.handle import Handle
from actorqueues.client.options import SendOptions
from actorqueues.client.targets import Target
from actorqueues.client.waiting import Pending, time_to_wait
from actorqueues.consumers.frames import Call, Send, written
from actorqueues.definitions.action import Action
from actorqueues.definitions.schema import Schema
from actorqueues.web.arguments import Given, checked_arguments
from actorqueues.web.bodies import message_body
from actorqueues.web.callers import Caller
from actorqueues.web.outcomes import refuse_others, wire_outcome

ANY = Schema(Any)


class Requests:
    """What one socket asks for."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    async def send(self, frame: Send) -> Pending | str:
        """Stored when it returns: with ``wait`` what ``outcome`` goes on from, else the answer."""
        sent = await in_thread(self.store, frame)
        if isinstance(sent, str):
            return written(type="reply", id=frame.id, status="queued", message=sent)
        return sent

    def store(self, frame: Send) -> Pending | str:
        """Asks for permission and sends, in one hop. Without ``wait`` it gives the message's id."""
        actor_class = exposed_actor(frame.actor)
        key = frame.parts
        queue = exposed_queue(actor_class, frame.queue)
        access = self.caller.admit(actor_class, key, "publish", queue.name)
        target = Target.by_key(actor_class, key, must_exist=not may_create(actor_class, access))
        body = message_body(queue, frame.body)
        options = self.options_of(frame)
        if not frame.wait:
            return str(Handle[Any](target).send(queue, body, **options).id)
        return send_to_wait(target, queue, body, options)

    def options_of(self, frame: Send) -> SendOptions:
        # Whoever is told an id may follow the message: so its outcome is kept.
        options: SendOptions = {"user": self.caller.user, "track": True}
        if frame.delay is not None:
            options["delay"] = frame.delay / 1000
        if frame.dedupe is not None:
            options["dedupe"] = frame.dedupe
        if frame.idempotency_key is not None:
            options["idempotency_key"] = frame.idempotency_key
        return options

    async def outcome(self, frame: Send, pending: Pending) -> str:
        seconds = time_to_wait(None if frame.timeout is None else frame.timeout / 1000)
        outcome = await pending.on_loop(seconds)
        refuse_others(outcome, self.caller.access(frame.parts))
        return written(type="reply", id=frame.id, message=pending.uid.hex, **wire_outcome(outcome))

    async def call(self, frame: Call) -> str:
        target, action, (args, kwargs) = await in_thread(self.admitted_call, frame)
        output = await acall(target, action, *args, **kwargs)
        return written(type="reply", id=frame.id, output=json.loads(ANY.dump(output)))

    def admitted_call(self, frame: Call) -> tuple[Target, Action[..., Any], Given]:
        actor_class = exposed_actor(frame.actor)
        action = exposed_action(actor_class, frame.action)
        access = self.caller.admit(actor_class, frame.parts, "call", action.name, safe=action.safe)
        arguments = checked_arguments(action, frame.args, frame.kwargs)
        creates = may_create(actor_class, access)
        return Target.by_key(actor_class, frame.parts, must_exist=not creates), action, arguments
