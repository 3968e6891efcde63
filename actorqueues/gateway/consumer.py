"""The socket of ``connect()``: events and actions of one actor. Messages go over HTTP, as the client does it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import uuid4

from rest_framework.exceptions import APIException, ParseError

from actorqueues.access import exposed_action
from actorqueues.bridge import in_thread
from actorqueues.client import actions
from actorqueues.client.users import ActingFor
from actorqueues.conf import settings
from actorqueues.definitions.action import Action
from actorqueues.definitions.keys import public_id
from actorqueues.exceptions import Forbidden
from actorqueues.gateway.connecting import SUBPROTOCOL, Arrival
from actorqueues.gateway.hearing import Hearing
from actorqueues.gateway.outgoing import Outgoing
from actorqueues.gateway.protocol import (
    ActionRequest,
    SubscriptionRequest,
    error_text,
    init_text,
    read_frame,
    refusal_of_encoding,
    refusal_text,
    response_text,
)
from actorqueues.models import ActorInstance
from actorqueues.web.arguments import checked_arguments
from actorqueues.web.errors import wire_error
from actorqueues.web.outputs import making_json
from actorqueues.web.sockets import LaneConsumer

logger = logging.getLogger("actorqueues.gateway")

# Close codes: servers let applications use 4000 to 4999.
REFUSED, LIFE_OVER, FRAME_TOO_LARGE, SLOW_READER, TRY_AGAIN = 4403, 4410, 4413, 4429, 4503


class GatewayConsumer(LaneConsumer):
    """The client is told what is wrong in a message: not every server passes on the reason of a close."""

    def prepare(self) -> None:
        self.running = asyncio.Semaphore(settings.WEBSOCKET_REQUESTS)  # more wait
        self.hearing: Hearing | None = None
        self.outgoing = Outgoing(self.send, self.slow_reader)

    # The beginning and the end

    async def connect(self) -> None:
        """Refused at once for a foreign origin and another protocol; else the client is told why."""
        arrival = Arrival(self.scope)
        self.caller = arrival.caller
        if not (arrival.offer.speaks and self.caller.comes_from_here()):
            await self.close()
            return
        await self.accept(SUBPROTOCOL)
        if arrival.offer.encoding != "json":
            await self.send(**refusal_of_encoding(arrival.offer.encoding))
            await self.close(REFUSED)
            return
        try:
            await self.caller.authenticate()
            self.target, row = await in_thread(arrival.let_in)
        except Exception as error:  # noqa: BLE001  of whatever kind: it gets the wire's form
            await self.end(error)
        else:
            await self.begin(row)

    async def begin(self, row: ActorInstance) -> None:
        put, over = self.outgoing.put, self.life_is_over
        self.hearing = Hearing(self.target, row.generation, self.caller.user_id, put, over)
        put([init_text(public_id(row.id, row.generation), uuid4().hex)])
        self.spawn(self.check_again_and_again())

    async def end(self, error: Exception) -> None:
        self.stop_hearing()
        self.outgoing.put([refusal_text(error)])
        await self.outgoing.flush()
        await self.close(REFUSED)

    def life_is_over(self) -> None:
        """Destroyed: the client connects again, by key to the next one."""
        self.spawn(self.close(LIFE_OVER))

    def slow_reader(self) -> None:
        self.stop_hearing()
        self.spawn(self.close(SLOW_READER))

    def stop_hearing(self) -> None:
        if self.hearing is not None:
            self.hearing.close()
            self.hearing = None

    def stop(self) -> None:
        self.stop_hearing()
        self.outgoing.close()

    # Frames

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.hearing is None:
            return
        if size_of(text_data or bytes_data or "") > settings.WEBSOCKET_MAX_BYTES:
            self.stop_hearing()
            await self.close(FRAME_TOO_LARGE)
            return
        try:
            if text_data is None:
                raise ParseError("Frames are text.")
            frame = read_frame(text_data)
        except ParseError as error:
            await self.end(error)
            return
        await self.line_up(frame, len(text_data))

    async def take_turn(self, frame: ActionRequest | SubscriptionRequest) -> None:
        hearing = self.hearing
        if hearing is None:
            return
        if isinstance(frame, ActionRequest):
            await self.running.acquire()
            self.spawn(self.answer(frame)).add_done_callback(lambda _: self.running.release())
        else:
            await self.listen(frame, hearing)

    async def answer(self, request: ActionRequest) -> None:
        try:
            action = await in_thread(self.admitted_action, request)
            arguments = checked_arguments(action, request.arguments, {})[0]
            with ActingFor(self.caller):
                output = await actions.acall(self.target, action, *arguments)
            with making_json(action):
                text = response_text(request.id, output)
        except Exception as error:  # noqa: BLE001  of whatever kind: it gets the wire's form
            text = error_text(error, request.id)
        self.outgoing.put([text])

    def admitted_action(self, request: ActionRequest) -> Action[..., Any]:
        action = exposed_action(self.target.actor_class, request.name)
        self.caller.admit(self.target.actor_class, self.target.parts, "call", action.name)
        return action

    async def listen(self, request: SubscriptionRequest, hearing: Hearing) -> None:
        """When it returns nothing of the event is missed: an action that is asked for next is heard of."""
        if not request.subscribe:
            hearing.forget(request.event)
            return
        try:
            await in_thread(self.admit_event, request.event)
            await hearing.add(request.event)
        except Exception as error:  # noqa: BLE001  of whatever kind: it gets the wire's form
            if wire_error(error).status < 500:
                self.deny(request.event, hearing, error)
            else:  # the client connects again, and asks for all its events
                self.stop_hearing()
                await self.close(TRY_AGAIN)

    def deny(self, event: str, hearing: Hearing, error: Exception) -> None:
        """The client tells its ``onError``. A close would have it connect and ask again at once."""
        hearing.forget(event)
        self.outgoing.put([refusal_text(error)])

    def admit_event(self, name: str) -> None:
        if not self.target.actor_class.definition.exposes("events"):
            raise Forbidden(f'The actor type "{self.target.type_name}" does not expose its events.')
        self.caller.admit(self.target.actor_class, self.target.parts, "subscribe", name)

    # Time

    async def check_again_and_again(self) -> None:
        while (hearing := self.hearing) is not None:
            await asyncio.sleep(settings.WEBSOCKET_RECHECK)
            try:
                await self.check_again(hearing)
            except Exception as error:  # noqa: BLE001  where the database is away, the next check tells
                if wire_error(error).status < 500:
                    await self.end(error)

    async def check_again(self, hearing: Hearing) -> None:
        """Raises what ends the connection."""
        if not await self.caller.renew():
            raise Forbidden("The session has ended.")
        await in_thread(self.caller.admit, self.target.actor_class, self.target.parts, "connect")
        row = await in_thread(self.target.row)  # who hears no events is told of its end here alone
        if row is None or row.generation != hearing.generation:
            self.life_is_over()
            return
        for name in list(hearing.names):
            try:
                await in_thread(self.admit_event, name)
            except (Forbidden, APIException) as error:
                self.deny(name, hearing, error)


def size_of(frame: str | bytes) -> int:
    return len(frame) if isinstance(frame, bytes) or frame.isascii() else len(frame.encode(errors="replace"))
