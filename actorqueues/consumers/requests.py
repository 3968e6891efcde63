"""Messages and actions that come over a socket."""

from __future__ import annotations

from functools import partial
from typing import Any

from actorqueues.access import exposed_action, exposed_actor, exposed_queue
from actorqueues.access.permission import may_create
from actorqueues.bridge import in_thread
from actorqueues.client.actions import acall
from actorqueues.client.asking import send_to_wait
from actorqueues.client.handle import Handle
from actorqueues.client.targets import Target
from actorqueues.client.users import ActingFor
from actorqueues.client.waiting import Pending, time_to_wait
from actorqueues.consumers.frames import Call, Send, written
from actorqueues.definitions.action import Action
from actorqueues.web.arguments import Given, checked_arguments
from actorqueues.web.bodies import message_body
from actorqueues.web.callers import Caller
from actorqueues.web.outcomes import refuse_others, wire_outcome
from actorqueues.web.outputs import plain_output
from actorqueues.web.sending import outside_options


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
        options = outside_options(
            queue,
            self.caller.user,
            delay=frame.delay,
            dedupe=frame.dedupe,
            idempotency_key=frame.idempotency_key,
        )
        if not frame.wait:
            return str(Handle[Any](target).send(queue, body, **options).id)
        return send_to_wait(target, queue, body, options, admit=partial(refuse_others, access))

    async def outcome(self, frame: Send, pending: Pending) -> str:
        seconds = time_to_wait(None if frame.timeout is None else frame.timeout / 1000)
        outcome = await pending.on_loop(seconds)
        return written(type="reply", id=frame.id, message=pending.uid.hex, **wire_outcome(outcome))

    async def call(self, frame: Call) -> str:
        target, action, (args, kwargs) = await in_thread(self.admitted_call, frame)
        with ActingFor(self.caller):
            output = await acall(target, action, *args, **kwargs)
        return written(type="reply", id=frame.id, output=plain_output(action, output))

    def admitted_call(self, frame: Call) -> tuple[Target, Action[..., Any], Given]:
        actor_class = exposed_actor(frame.actor)
        action = exposed_action(actor_class, frame.action)
        access = self.caller.admit(actor_class, frame.parts, "call", action.name, safe=action.safe)
        arguments = checked_arguments(action, frame.args, frame.kwargs)
        creates = may_create(actor_class, access)
        return Target.by_key(actor_class, frame.parts, must_exist=not creates), action, arguments
