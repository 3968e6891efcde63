from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from actorqueues.exceptions import (
    ActorAborted,
    LeaseLost,
    OperationRefused,
    Reject,
    StateInvalid,
    StateNotSerializable,
)
from actorqueues.mailbox.scope import Scope

if TYPE_CHECKING:
    from actorqueues.mailbox.receiver import Receiver
    from actorqueues.runtime.activation import Activation


logger = logging.getLogger("actorqueues.activation")


class Scopes:
    """The tasks of one activation, and what each has received."""

    def __init__(self, activation: Activation, receiver: Receiver) -> None:
        self.activation = activation
        self.tasks: dict[asyncio.Task[Any], Scope] = {}
        self.open = receiver.scopes
        self.run_task: asyncio.Task[Any] | None = None
        self.begin()

    def begin(self) -> None:
        """A new run."""
        self.failure: BaseException | None = None
        self.failed_delivery = False
        self.broken: asyncio.Future[None] = self.activation.loop.create_future()  # a task of it has failed

    def break_off(self, error: BaseException) -> None:
        """A failure that leaves a task ends the run: its state is restored, its other tasks are cancelled."""
        if self.failure is None:
            self.failure = error
        if not self.broken.done():
            self.broken.set_result(None)

    def adopt(self, task: asyncio.Task[Any], scope: Scope, owns: bool) -> None:
        self.tasks[task] = scope
        self.open.add(scope)
        if owns:
            scope.owner = task
        task.add_done_callback(self.task_done if owns else self.receive_done)

    def receive_done(self, task: asyncio.Task[Any]) -> None:
        self.tasks.pop(task, None)

    def task_done(self, task: asyncio.Task[Any]) -> None:
        """A task that ends by exception fails its delivery, by cancellation returns it; by returning it settles."""
        scope = self.tasks.pop(task)
        activation = self.activation
        error = None if task.cancelled() else task.exception()
        aborted = isinstance(error, ActorAborted) and activation.ending is not None
        if error is not None and not aborted:
            self.task_failed(task, scope, error)
        try:
            if activation.lost is None:
                self.close_scope(task, scope, error, cancelled=task.cancelled() or aborted)
        except (LeaseLost, OperationRefused) as lost:
            activation.lose(lost)
        finally:
            self.open.discard(scope)
            activation.receiver_waits()

    def task_failed(self, task: asyncio.Task[Any], scope: Scope, error: BaseException) -> None:
        if task is self.run_task or scope.deliveries:
            self.failed_delivery = self.failed_delivery or bool(scope.deliveries)
            self.break_off(error)
        else:  # perhaps whoever awaits it deals with it
            activation, text = self.activation, "%s: a task has failed"
            logger.info(text, activation.address, exc_info=error, extra=activation.log_fields)

    def close_scope(
        self, task: asyncio.Task[Any], scope: Scope, error: BaseException | None, *, cancelled: bool
    ) -> None:
        if cancelled:
            self.give_back(scope)
        elif error is not None:
            self.fail(scope, error)
        else:
            try:
                self.settle(scope)
            except (StateInvalid, StateNotSerializable) as invalid:
                self.task_failed(task, scope, invalid)
                self.fail(scope, invalid)
                self.activation.restore_state()

    def give_back(self, scope: Scope) -> None:
        for delivery in list(scope.deliveries):
            delivery.kill("its task was cancelled")  # a thread of it may still run
            self.activation.receiver.settling.give_back(delivery)
        scope.discard_buffered()

    def fail(self, scope: Scope, error: BaseException) -> None:
        settling = self.activation.receiver.settling
        for delivery in list(scope.deliveries):
            if isinstance(error, Reject):
                settling.bury(delivery, "rejected", str(error))
            else:
                settling.fail(delivery, error)
        scope.discard_buffered()

    def settle(self, scope: Scope) -> None:
        """A task that returns has done what it received, except for what it should have completed."""
        settling = self.activation.receiver.settling
        for delivery in list(scope.deliveries):
            if not delivery.completable:
                settling.complete(delivery, None)
                self.activation.receiver.runs_ahead = True
            elif self.activation.ending:
                settling.give_back(delivery)
            else:
                self.failed_delivery = True
                settling.fail(delivery, "run() returned without completing the message")
        if not self.has_deliveries():  # else the state may be that of an unfinished step
            settling.save(scope)

    def has_deliveries(self) -> bool:
        return any(scope.deliveries for scope in self.open)

    def all_wait(self) -> bool:
        """Every task of the actor waits in a receive without a time limit."""
        return bool(self.open) and all(scope.waits for scope in self.open)

    def kill_deliveries(self, reason: str) -> None:
        for scope in self.open:
            for delivery in list(scope.deliveries):
                delivery.kill(reason)

    def cancel_all(self) -> None:
        for task in list(self.tasks):
            task.cancel()

    async def finish(self) -> None:
        """Cancels what is left over and waits for it: leaked tasks end with their actor."""
        while self.tasks:
            self.cancel_all()
            await asyncio.wait(list(self.tasks), timeout=1.0)
