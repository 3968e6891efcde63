"""The default run loop: messages to their handlers, one after another."""

from __future__ import annotations

import asyncio
import time
import types
from collections.abc import Awaitable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from actorqueues.definitions.handler import Handler
from actorqueues.exceptions import ActorAborted, HandlerTimedOut, Reject
from actorqueues.mailbox.atomic import atomic_step
from actorqueues.runtime.life import report_error

if TYPE_CHECKING:
    from actorqueues.mailbox.delivery import Delivery
    from actorqueues.runtime.activation import Activation

T = TypeVar("T")

ABORT_NOTICE = 0.2  # seconds between the abort signal of a handler that is over its time and its cancellation


async def serve_handlers(activation: Activation) -> None:
    handlers = [queue for queue in activation.definition.queues.values() if isinstance(queue, Handler)]
    limits = {handler.name: handler.timeout for handler in handlers}
    while True:
        for delivery in await activation.receiver.receive_deliveries(handlers):
            await handle(activation, delivery, limits[delivery.queue.name])


async def handle(activation: Activation, delivery: Delivery, timeout: float | None) -> None:
    """One attempt: settled by returning, failed by raising, given up by ``Reject``."""
    settling = activation.receiver.settling
    handler: Handler[Any, Any] = delivery.queue  # type: ignore[assignment]
    try:
        reply = await call_in_time(activation, handler, delivery, timeout)
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

    async def bound(self, rest: Awaitable[Any]) -> Any:
        """Over its time the abort signal fires first, then what is awaited is cancelled: ``HandlerTimedOut``."""
        try:
            async with self.timeout:
                result = await rest
        except Exception as error:
            self.refuse_when_over(error)
            raise
        finally:
            self.timer.cancel()
        self.refuse_when_over()
        return result

    def refuse_when_over(self, cause: Exception | None = None) -> None:
        """What it returned or raised after its time does not count."""
        if self.is_over:
            self.delivery.kill(f"over its {self.seconds:g} s")
            raise HandlerTimedOut(queue=self.delivery.queue.name, timeout=self.seconds) from cause


async def call_in_time(
    activation: Activation, handler: Handler[Any, Any], delivery: Delivery, timeout: float | None
) -> Any:
    """The handler's result. Raises ``HandlerTimedOut`` when it is over its time."""
    if not handler.is_async:
        return await call_in_lane(activation, handler, delivery, timeout)
    coroutine = handler.call(activation.actor, delivery.body, delivery.message)
    try:
        waits_for = coroutine.send(None)
    except StopIteration as end:
        return end.value  # it never waited: there was nothing to interrupt
    if timeout is None:
        return await rest_of(coroutine, waits_for)
    limit = TimeLimit(activation, delivery, timeout)
    limit.begin()
    return await limit.bound(rest_of(coroutine, waits_for))


@types.coroutine
def rest_of(coroutine: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Awaits what is left of a coroutine whose first step has come to wait for something."""
    try:
        while True:
            try:
                answer = yield waits_for
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001  a cancellation too is its own affair
                waits_for = coroutine.throw(error)
            else:
                waits_for = coroutine.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration does not say of what type


async def call_in_lane(
    activation: Activation, handler: Handler[Any, Any], delivery: Delivery, timeout: float | None
) -> Any:
    limit = None if timeout is None else TimeLimit(activation, delivery, timeout)

    def in_lane() -> Any:
        if limit is not None:
            limit.begin()
        if handler.atomic:
            return call_atomically(handler, activation.actor, delivery)
        return handler.call(activation.actor, delivery.body, delivery.message)

    running = activation.lanes.run(in_lane)
    return await (running if limit is None else limit.bound(running))


def call_atomically(handler: Handler[Any, Any], actor: Any, delivery: Delivery) -> None:
    with atomic_step(delivery) as step:
        reply = handler.call(actor, delivery.body, delivery.message)
        if handler.reply is not None:
            step.reply = reply
