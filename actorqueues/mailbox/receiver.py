from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actorqueues.definitions.context import current_scope
from actorqueues.exceptions import BodyInvalid, NotActivated, QueueMessagePending
from actorqueues.mailbox.buffer import Buffer
from actorqueues.mailbox.delivery import Delivery
from actorqueues.mailbox.ground import Ground
from actorqueues.mailbox.message import Message
from actorqueues.mailbox.scope import Scope
from actorqueues.mailbox.settling import Settling
from actorqueues.storage.operations import Start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actorqueues.definitions.abort import AbortSignal
    from actorqueues.definitions.queue import Queue
    from actorqueues.storage.dialects import Head

BURST = 16  # messages that an actor runs ahead of its commits before others have their turn on the loop


class StartRefused(Exception):
    """The only thing that failed is a start mark: a message of it is no longer there."""


class Receiver:
    """Gives an actor's tasks their messages, in order, each with its start mark."""

    def __init__(
        self, ground: Ground, queues: Mapping[str, Queue[Any, Any]], *, batch: int, careful: bool
    ) -> None:
        self.ground = ground
        self.buffer = Buffer(queues, batch)
        self.settling = Settling(self)
        self.careful = careful
        self.in_a_row = 0  # messages without a turn for others
        self.runs_ahead = False  # the last message settled by returning: the next need not wait for its mark
        self.waiters: set[asyncio.Future[None]] = set()
        self.scopes: set[Scope] = set()

    # Receiving

    async def receive(
        self,
        queues: Sequence[Queue[Any, Any]] | None,
        *,
        count: int,
        timeout: float | None,
        signal: AbortSignal | None,
        completable: bool,
    ) -> list[Message[Any, Any]]:
        deliveries = await self.receive_deliveries(queues, count, timeout, signal, completable)
        return [delivery.message for delivery in deliveries]

    async def receive_deliveries(
        self,
        queues: Sequence[Queue[Any, Any]] | None,
        count: int = 1,
        timeout: float | None = None,
        signal: AbortSignal | None = None,
        completable: bool = False,
    ) -> list[Delivery]:
        scope = self.scope_here()
        names = self.names_for(queues)
        self.advance(scope, names)
        await self.let_others()
        deadline = None if timeout is None else self.ground.loop.time() + timeout
        looked = False
        while True:
            self.ground.end_if_leaving()
            if self.ground.abort_signal.aborted or (signal is not None and signal.aborted):
                await self.refuse(signal)
            heads = self.buffer.take(names, count, self.ground.now, self.ground.is_paused)
            if self.buffer.runs_low():
                self.ground.request_mail()
            if heads:
                if deliveries := await self.begin(scope, heads, completable):
                    return deliveries
                count = 1  # some of them were gone
                continue
            if timeout == 0:
                if looked:
                    return []
                looked = True
                await self.ground.fetch_mail()
                continue
            if not await self.wait_for_mail(scope, names, deadline, signal):
                return []

    async def let_others(self) -> None:
        """Handlers that never wait would keep the journal and all other actors from the loop."""
        self.in_a_row += 1
        if self.in_a_row >= BURST:
            self.in_a_row = 0
            await asyncio.sleep(0)

    def scope_here(self) -> Scope:
        scope = current_scope.get()
        if not isinstance(scope, Scope) or scope not in self.scopes:
            raise NotActivated()
        return scope

    def names_for(self, queues: Sequence[Queue[Any, Any]] | None) -> list[str]:
        """Queues that are held by an unsettled completable message are refused if named, else left out."""
        pending = {
            delivery.queue.name
            for scope in self.scopes
            for delivery in scope.deliveries
            if delivery.completable
        }
        if queues is None:
            return [name for name in self.buffer.queues if name not in pending]
        names = [queue.name for queue in queues]
        for name in names:
            if name in pending:
                raise QueueMessagePending(queue=name)
        return names

    async def refuse(self, signal: AbortSignal | None) -> None:
        """Raises ``ActorAborted``: the actor is to end, or the signal is aborted."""
        await asyncio.sleep(0)  # a loop that catches the error must not keep all others waiting
        self.ground.abort_signal.raise_if_aborted()
        if signal is not None:
            signal.raise_if_aborted()

    def advance(self, scope: Scope, names: Sequence[str]) -> None:
        """Asking for more settles what this task holds and need not complete.

        A task that is nothing but a receive asks for its creator, who may be busy with another message.
        """
        owned = asyncio.current_task() is scope.owner
        for delivery in list(scope.deliveries):
            if not delivery.completable and (owned or delivery.queue.name in names):
                self.settling.complete(delivery, None)
                self.runs_ahead = True
        if not any(other.deliveries for other in self.scopes):
            self.settling.save(scope)

    async def wait_for_mail(
        self, scope: Scope, names: Sequence[str], deadline: float | None, signal: AbortSignal | None
    ) -> bool:
        """Waits for anything to change. False: the deadline has passed."""
        loop = self.ground.loop
        if deadline is not None and loop.time() >= deadline:
            return False
        changed: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not changed.done():
                changed.set_result(None)

        def wake_from_anywhere() -> None:
            loop.call_soon_threadsafe(wake)

        timers = [loop.call_later(pause, wake) for pause in self.pauses(names, deadline)]
        if signal is not None:
            signal.add_callback(wake_from_anywhere)
        self.waiters.add(changed)
        owned = asyncio.current_task() is scope.owner
        if owned:  # what its creator does meanwhile, a task that is nothing but a receive does not know
            scope.waits = deadline is None
        self.ground.receiver_waits()
        try:
            await changed
        finally:
            if owned:
                scope.waits = False
            self.waiters.discard(changed)
            if signal is not None:
                signal.remove_callback(wake_from_anywhere)
            for timer in timers:
                timer.cancel()
        return True

    def pauses(self, names: Sequence[str], deadline: float | None) -> list[float]:
        now = self.ground.now()
        due_at = self.buffer.next_due(names, now)
        found = [] if due_at is None else [(due_at - now).total_seconds() + 0.001]
        return found if deadline is None else [*found, max(0.0, deadline - self.ground.loop.time())]

    def notify(self) -> None:
        """Something changed: mail came, a queue is free again, an abort."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)

    # Beginning a delivery

    async def begin(self, scope: Scope, heads: Sequence[Head], completable: bool) -> list[Delivery]:
        """Marks the messages in flight and hands them over; [] when none of them may be run after all."""
        deliveries = [
            delivery
            for head in heads
            if (delivery := self.open_delivery(scope, head, completable)) is not None
        ]
        if not deliveries:
            return []
        position = self.ground.chain.submit(*(Start(delivery.head.id) for delivery in deliveries))
        if not self.may_run_ahead(deliveries):
            try:
                await self.ground.chain.durable(position)
            except StartRefused:
                self.drop_refused(deliveries)
                return []
            except asyncio.CancelledError:
                for delivery in deliveries:  # taken and not handed over: back to the front
                    self.settling.return_head(delivery.head, None, "uncounted")
                raise
        for delivery in deliveries:
            self.hand_over(scope, delivery)
        return deliveries

    def may_run_ahead(self, deliveries: Sequence[Delivery]) -> bool:
        if self.careful and self.buffer.backlog_is_done():
            self.careful = False
        return (
            self.runs_ahead
            and not self.careful
            and self.ground.chain.may_run_ahead
            and all(
                delivery.attempt == 1 and not getattr(delivery.queue, "atomic", False)
                for delivery in deliveries
            )
        )

    def open_delivery(self, scope: Scope, head: Head, completable: bool) -> Delivery | None:
        queue = self.buffer[head.queue].queue
        attempted = head.failures + head.crashes > 0
        if head.expires_at is not None and not attempted and head.expires_at <= self.ground.now():
            when = f"{head.expires_at:%Y-%m-%d %H:%M:%S}"
            self.settling.bury_unopened(head, "expired", f"expired at {when} UTC, before its first start")
            return None
        try:
            body = queue.load_body(head.body)
        except BodyInvalid as error:
            self.settling.bury_unopened(head, "invalid", str(error))
            return None
        delivery = Delivery(self, scope, head, queue, completable, body)
        delivery.message = Message(delivery)
        return delivery

    def hand_over(self, scope: Scope, delivery: Delivery) -> None:
        scope.deliveries.append(delivery)
        scope.killed = None
        if delivery.completable:
            self.settling.warn_when_pending(delivery)
        self.ground.tell("message_started", delivery.head)

    def drop_refused(self, deliveries: Sequence[Delivery]) -> None:
        """A lone one is no longer there. Of several nobody is marked, and they are tried again one by one."""
        for delivery in deliveries:
            if len(deliveries) > 1:
                self.buffer.put_back(delivery.head)
            else:
                self.buffer.settle(delivery.head)
                self.buffer.forget(delivery.head)

    # Mail that was read

    def merge(self, heads: Sequence[Head], limits: Mapping[str, int]) -> None:
        fresh = self.buffer.merge(heads, limits)
        for head in fresh:
            if head.started_at is not None:  # in flight, and not here: its worker died with it
                self.buffer.hold(head)
                self.settling.count_crash(head)
        if fresh:
            self.notify()
