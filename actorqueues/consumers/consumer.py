from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from actorqueues.conf import settings
from actorqueues.consumers import frames
from actorqueues.consumers.closing import REASONS, CloseCode
from actorqueues.consumers.frames import SUBPROTOCOL, VERSION, read_frame, written
from actorqueues.consumers.listening import Listening
from actorqueues.consumers.outbox import Outbox
from actorqueues.consumers.refusals import FrameInvalid, TooManyRequests
from actorqueues.consumers.requests import Requests
from actorqueues.web.callers import Caller
from actorqueues.web.errors import wire_error
from actorqueues.web.sockets import LAST_WORDS, LaneConsumer

logger = logging.getLogger("actorqueues.consumers")


class ActorConsumer(LaneConsumer):
    """Many actors over one socket: events, progress, messages, actions. See docs/reference/websocket.md."""

    def prepare(self) -> None:
        self.beating: asyncio.TimerHandle | None = None
        self.checking: asyncio.TimerHandle | None = None
        self.outbox: Outbox | None = None
        self.waiting = 0  # requests

    # The beginning and the end

    async def connect(self) -> None:
        """Refused, which is a 403, for a foreign origin, wrong credentials or another protocol."""
        self.caller = Caller(self.scope)
        offered = self.scope.get("subprotocols") or []
        if not self.caller.comes_from_here() or (offered and SUBPROTOCOL not in offered):
            await self.close()
            return
        subprotocol = SUBPROTOCOL if offered else None
        try:
            await self.caller.authenticate()
        except Exception as error:  # noqa: BLE001  of whatever kind: it gets the wire's form
            await self.turn_away(error, subprotocol)
        else:
            await self.accept(subprotocol)
            self.begin()

    async def turn_away(self, error: Exception, subprotocol: str | None) -> None:
        """Where it is not the client's fault it is let in to be told: browsers hide why a handshake failed."""
        told = wire_error(error)
        if told.status >= 500:
            await self.accept(subprotocol)
            await self.send(written(type="error", id=None, error=told.payload))
            await self.close(int(CloseCode.UNAVAILABLE), REASONS[CloseCode.UNAVAILABLE])
        else:
            await self.close()

    def begin(self) -> None:
        self.outbox = Outbox(self.send, self.drop)
        self.listening = Listening(self.caller, self.outbox.put, self.spawn)
        self.requests = Requests(self.caller)
        self.put(
            type="hello",
            version=VERSION,
            user=self.caller.user_id,
            heartbeat=round(settings.WEBSOCKET_HEARTBEAT * 1000),
            max_bytes=settings.WEBSOCKET_MAX_BYTES,
            retention=round(settings.REPLY_RETENTION * 1000),
        )
        self.beat_later()
        self.check_later()

    def drop(self, code: CloseCode) -> None:
        """The server ends it: nothing more is sent or listened to, and the code says why."""
        logger.info("a socket is closed: %s (%d)", REASONS[code], code)
        self.stop()
        self.cancel_tasks()
        self.spawn(self.close(int(code), REASONS[code]))  # daphne takes no other kind of number

    def stop(self) -> None:
        for timer in (self.beating, self.checking):
            if timer is not None:
                timer.cancel()
        if self.outbox is not None:
            self.outbox.close()
            self.listening.close()

    # Frames

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        outbox = self.outbox
        if outbox is None or outbox.closed:
            return
        if text_data is None:
            outbox.give_up(CloseCode.PROTOCOL)
        elif is_larger(text_data, settings.WEBSOCKET_MAX_BYTES):
            outbox.give_up(CloseCode.FRAME_TOO_LARGE)
        else:
            await self.take(text_data, outbox)

    async def take(self, text: str, outbox: Outbox) -> None:
        try:
            frame = read_frame(text)
        except FrameInvalid as error:
            self.put_error(error.request_id, error)
            return
        if isinstance(frame, frames.Pong):
            outbox.pong(frame.ping)
        elif isinstance(frame, frames.Ping):
            self.put(type="pong", id=frame.id)
        else:
            await self.line_up(frame, len(text))

    async def take_turn(self, frame: frames.AnyRequest) -> None:
        await self.answering(frame.id, self.answer(frame))

    async def finish(self) -> None:
        """What was asked before the socket ended is done."""
        if self.line is not None and self.line.serving is not None:
            await asyncio.wait([self.line.serving], timeout=LAST_WORDS)

    async def answer(self, frame: frames.AnyRequest) -> None:
        match frame:
            case frames.Send():
                self.refuse_many()
                sent = await self.requests.send(frame)
                if isinstance(sent, str):
                    self.put_text(sent)
                else:
                    self.answer_later(frame.id, self.requests.outcome(frame, sent))
            case frames.Call():
                self.refuse_many()
                self.answer_later(frame.id, self.requests.call(frame))
            case frames.Subscribe():
                await self.listening.subscribe(frame)
            case frames.Unsubscribe():
                await self.listening.unsubscribe(frame)
            case frames.SubscribeUser():
                await self.listening.subscribe_user(frame)
            case frames.UnsubscribeUser():
                await self.listening.unsubscribe_user(frame.id)
            case frames.Follow():
                await self.listening.follow(frame)
            case frames.Unfollow():
                await self.listening.unfollow(frame)

    def answer_later(self, request_id: str | int, answer: Coroutine[Any, Any, str]) -> None:
        async def work() -> None:
            self.put_text(await answer)

        self.waiting += 1
        self.spawn(self.answering(request_id, work())).add_done_callback(self.answered)

    async def answering(self, request_id: str | int, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  of whatever kind: it gets the wire's form
            self.put_error(request_id, error)

    def answered(self, task: asyncio.Task[None]) -> None:
        self.waiting -= 1

    def refuse_many(self) -> None:
        if self.waiting >= settings.WEBSOCKET_REQUESTS:
            raise TooManyRequests(limit=settings.WEBSOCKET_REQUESTS)

    def put(self, **values: Any) -> None:
        self.put_text(written(**values))

    def put_text(self, text: str) -> None:
        if self.outbox is not None:
            self.outbox.put(text)

    def put_error(self, request_id: str | int | None, error: BaseException) -> None:
        self.put(type="error", id=request_id, error=wire_error(error).payload)

    # Time

    def beat(self) -> None:
        if self.outbox is not None:
            self.outbox.ping()
        self.beat_later()

    def beat_later(self) -> None:
        self.beating = self.after(settings.WEBSOCKET_HEARTBEAT, self.beat)

    def check_soon(self) -> None:
        self.spawn(self.check_again())

    def check_later(self) -> None:
        self.checking = self.after(settings.WEBSOCKET_RECHECK, self.check_soon)

    async def check_again(self) -> None:
        """Whether the session lasts, and every permission."""
        try:
            if not await self.caller.renew():
                self.give_up(CloseCode.SESSION_ENDED)
                return
            await self.listening.check_again()
        except Exception as error:  # noqa: BLE001  the database is away: the next check tells
            logger.warning("a session could not be checked again: %s", error)
        self.check_later()

    def give_up(self, code: CloseCode) -> None:
        if self.outbox is not None:
            self.outbox.give_up(code)

    def after(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle | None:
        if self.outbox is None or self.outbox.closed:
            return None
        return asyncio.get_running_loop().call_later(seconds, call)


def is_larger(text: str, limit: int) -> bool:
    return len(text) > limit or (not text.isascii() and len(text.encode(errors="replace")) > limit)
