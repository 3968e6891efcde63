"""The default run loop: messages to their handlers, one after another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from actorqueues.definitions.handler import Handler
from actorqueues.exceptions import ActorAborted, HandlerTimedOut, Reject
from actorqueues.mailbox.atomic import atomic_step
from actorqueues.runtime.life import report_error

if TYPE_CHECKING:
    from actorqueues.mailbox.delivery import Delivery
    from actorqueues.runtime.activation import Activation

ABORT_NOTICE = 0.2  # seconds between the abort signal of a handler that is over its time and its cancellation


async def serve_handlers(activation: Activation) -> None:
    handlers = [queue for queue in activation.definition.queues.values() if isinstance(queue, Handler)]
    while True:
        for delivery in await activation.receiver.receive_deliveries(handlers):
            await handle(activation, delivery)


async def handle(activation: Activation, delivery: Delivery) -> None:
    """One attempt: settled by returning, failed by raising, given up by ``Reject``."""
    settling = activation.receiver.settling
    handler: Handler[Any, Any] = delivery.queue  # type: ignore[assignment]
    try:
        reply = await call_in_time(activation, handler, delivery)
        if delivery.is_open and not handler.atomic:
            settling.complete(delivery, handler.dump_reply(reply))
            activation.receiver.runs_ahead = True
    except Reject as rejection:
        if delivery.is_open:
            settling.bury(delivery, "rejected", str(rejection))
    except Exception as error:  # noqa: BLE001  whatever it is, it costs only this attempt
        await fail(activation, delivery, error)


async def fail(activation: Activation, delivery: Delivery, error: Exception) -> None:
    stops = isinstance(error, ActorAborted) and activation.ending is not None
    if stops or activation.lost is not None:
        raise error
    if isinstance(error, HandlerTimedOut):
        await activation.lanes.threads_end()
    if delivery.is_open:
        activation.receiver.settling.fail(delivery, error)
    await report_error(activation, error)


class TimeLimit:
    """A handler's time. A synchronous one's begins in its thread: waiting for a lane is not its fault."""

    def __init__(self, activation: Activation, delivery: Delivery, seconds: float) -> None:
        self.loop, self.delivery, self.seconds = activation.loop, delivery, seconds
        self.began_at: float | None = None
        self.is_over = False
        self.timeout = asyncio.timeout(None)
        self.timer = self.loop.call_later(seconds, self.check)

    def begin(self) -> None:
        self.began_at = time.monotonic()

    def check(self) -> None:
        left = self.seconds if self.began_at is None else self.began_at + self.seconds - time.monotonic()
        if left > 0:
            self.timer = self.loop.call_later(left, self.check)
            return
        self.is_over = True
        self.delivery.abort(f"over its {self.seconds:g} s")
        self.timeout.reschedule(self.loop.time() + ABORT_NOTICE)

    def refuse_when_over(self, handler: Handler[Any, Any], cause: Exception | None = None) -> None:
        """Raises ``HandlerTimedOut``: what it returned or raised after its time does not count."""
        if self.is_over:
            self.delivery.kill(f"over its {self.seconds:g} s")
            raise HandlerTimedOut(queue=handler.name, timeout=self.seconds) from cause


async def call_in_time(activation: Activation, handler: Handler[Any, Any], delivery: Delivery) -> Any:
    """The handler's result. Over its time the abort signal fires first, then the call is cancelled."""
    if handler.timeout is None:
        return await call(activation, handler, delivery, lambda: None)
    limit = TimeLimit(activation, delivery, handler.timeout)
    try:
        async with limit.timeout:
            result = await call(activation, handler, delivery, limit.begin)
    except Exception as error:
        limit.refuse_when_over(handler, error)
        raise
    finally:
        limit.timer.cancel()
    limit.refuse_when_over(handler)
    return result


async def call(
    activation: Activation, handler: Handler[Any, Any], delivery: Delivery, begin: Callable[[], None]
) -> Any:
    actor, message = activation.actor, delivery.message
    if handler.is_async:
        begin()
        return await handler.call(actor, delivery.body, message)

    def in_lane() -> Any:
        begin()
        if handler.atomic:
            return call_atomically(handler, actor, delivery)
        return handler.call(actor, delivery.body, message)

    return await activation.lanes.run(in_lane)


def call_atomically(handler: Handler[Any, Any], actor: Any, delivery: Delivery) -> None:
    with atomic_step(delivery) as step:
        reply = handler.call(actor, delivery.body, delivery.message)
        if handler.reply is not None:
            step.reply = reply
