from __future__ import annotations

import logging
import random
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING

from actorqueues.conf import settings
from actorqueues.definitions.text import storable
from actorqueues.storage.history import gist
from actorqueues.storage.operations import (
    Bury,
    Emit,
    Operation,
    Return,
    ReturnCause,
    SaveState,
    Send,
    Settle,
    Step,
)

if TYPE_CHECKING:
    from actorqueues.mailbox.delivery import Delivery
    from actorqueues.mailbox.receiver import Receiver
    from actorqueues.mailbox.scope import Scope
    from actorqueues.storage.dialects import Head

logger = logging.getLogger("actorqueues.mailbox")

CRASH_SPREAD = 2.0  # a crash's backoff is up to so many times as long
PENDING_WARNING_AFTER = 30.0  # seconds; the source documents' number


def describe(error: BaseException) -> str:
    """The error as it is kept with the message: its traceback."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


class Settling:
    """What can become of a received message. Each is one submission to the journal, so it commits whole."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.ground = receiver.ground

    def complete(self, delivery: Delivery, reply: str | None) -> int:
        """Settled: with it go the state as it stands, the sends and the events of this step."""
        position = self.ground.chain.submit(*self.completion(delivery, reply))
        self.completed(delivery, position)
        return position

    def completion(self, delivery: Delivery, reply: str | None) -> Step:
        last_report = delivery.progress.take() if delivery.progress is not None else None
        if last_report is not None:
            delivery.scope.emissions.insert(0, last_report)
        return (Settle(delivery.head, reply), *self.step(delivery.scope, apart=delivery.in_atomic))

    def completed(self, delivery: Delivery, position: int) -> None:
        self.leave(delivery, position)
        self.ground.tell("message_settled", delivery.head, duration_seconds=delivery.age())

    def completed_apart(self, delivery: Delivery) -> None:
        """Its settlement has committed in a transaction of its own."""
        delivery.close()
        self.receiver.buffer.settle(delivery.head)
        self.receiver.buffer.forget(delivery.head)
        self.receiver.runs_ahead = False
        self.receiver.notify()
        self.ground.announce_settled(delivery)
        self.ground.tell("message_settled", delivery.head, duration_seconds=delivery.age())

    def step(self, scope: Scope, *, apart: bool = False) -> list[Operation]:
        """What a step boundary commits."""
        operations: list[Operation] = []
        if (state := self.ground.changed_state()) is not None:
            operations.append(SaveState(state))
        outgoing, emissions = scope.take_buffered()
        if outgoing:
            operations.append(Send(outgoing))
        if emissions:
            operations.append(Emit(self.ground.number(emissions, apart=apart)))
        return operations

    def save(self, scope: Scope) -> None:
        if operations := self.step(scope):
            self.ground.chain.submit(*operations)

    def fail(self, delivery: Delivery, error: BaseException | str) -> None:
        """The attempt failed: its changes are discarded, the message goes back with backoff, or is given up."""
        text = error if isinstance(error, str) else describe(error)
        head = delivery.head
        self.try_again(delivery, text, delivery.queue.backoff.delay(head.failures + 1 + head.crashes))

    def retry(self, delivery: Delivery, delay: float) -> None:
        """Asked for by the handler: counted as a failure, so that ``max_attempts`` holds."""
        self.try_again(delivery, "the handler asked for another attempt", delay)

    def try_again(self, delivery: Delivery, error: str, delay: float) -> None:
        head, limit, error = delivery.head, delivery.queue.max_attempts, storable(error)
        failures = head.failures + 1
        self.receiver.runs_ahead = False
        if limit is not None and failures >= limit:  # crashes have a limit of their own
            self.bury(delivery, "exhausted", error, failures=failures)
            return
        self.discard(delivery)
        delivery.close()
        logger.warning(
            "%s: message %s of queue %s failed (attempt %d), tried again after %g s: %s",
            self.ground.address, head.uid.hex, head.queue, delivery.attempt, delay, gist(error),
            extra=self.log_fields(head),
        )  # fmt: skip
        self.return_head(replace_counts(head, failures=failures, error=error), delay, "failed")
        self.ground.tell("message_failed", head, error=error, retry_delay_seconds=delay)

    def give_back(self, delivery: Delivery) -> None:
        """Uncounted: a graceful stop, a cancellation."""
        self.discard(delivery)
        delivery.close()
        self.return_head(delivery.head, None, "uncounted")

    def discard(self, delivery: Delivery) -> None:
        """What the attempt changed goes; what it has reported stays."""
        last_report = delivery.progress.take() if delivery.progress is not None else None
        if last_report is not None:
            self.ground.emit_now(last_report)
        delivery.scope.discard_buffered()
        self.ground.restore_state()

    def bury(self, delivery: Delivery, reason: str, error: str, *, failures: int | None = None) -> int:
        head, error = delivery.head, storable(error)
        counted = head.failures + 1 if failures is None else failures
        self.discard(delivery)
        position = self.ground.chain.submit(Bury(head, reason, error, counted, head.crashes))
        self.leave(delivery, position)
        self.tell_dead(head, reason, error)
        return position

    def bury_unopened(self, head: Head, reason: str, error: str) -> None:
        """A message that may not be run at all. It counts as held."""
        error = storable(error)
        position = self.ground.chain.submit(Bury(head, reason, error, head.failures, head.crashes))
        self.receiver.buffer.settle(head)
        self.ground.chain.then(position, lambda: self.receiver.buffer.forget(head))
        self.tell_dead(head, reason, error)

    def tell_dead(self, head: Head, reason: str, error: str) -> None:
        logger.error(
            "%s: message %s of queue %s went to the dead letters (%s): %s",
            self.ground.address, head.uid.hex, head.queue, reason, gist(error), extra=self.log_fields(head),
        )  # fmt: skip
        self.ground.tell("message_dead", head, error=error, reason=reason)

    def log_fields(self, head: Head) -> dict[str, object]:
        attempt = 1 + head.failures + head.crashes
        return {**self.ground.log_fields, "queue": head.queue, "message_id": head.uid.hex, "attempt": attempt}

    def count_crash(self, head: Head) -> None:
        """Its start mark had committed and its worker died: counted apart from failures."""
        crashed = replace_counts(head, crashes=head.crashes + 1)
        if settings.MAX_CRASHES is not None and crashed.crashes >= settings.MAX_CRASHES:
            text = f"its worker died {crashed.crashes} times while it was in flight"
            self.bury_unopened(crashed, "crashed", text)
            return
        queue = self.receiver.buffer[head.queue].queue
        # Whatever was in flight with the culprit must not start together with it again, or all of it dies.
        spread = random.uniform(1, CRASH_SPREAD)
        logger.warning(
            "%s: a worker died with message %s of queue %s in flight",
            self.ground.address, head.uid.hex, head.queue, extra=self.log_fields(head),
        )  # fmt: skip
        self.return_head(crashed, queue.backoff.delay(crashed.failures + crashed.crashes) * spread, "crashed")

    def return_head(self, head: Head, delay: float | None, cause: ReturnCause) -> None:
        """Held until its return is durable: no later message of its queue may pass."""
        position = self.ground.chain.submit(Return(head, delay, cause))
        retry_at = None if delay is None else self.ground.now() + timedelta(seconds=delay)

        def returned() -> None:
            self.receiver.buffer.put_back(head._replace(started_at=None, retry_at=retry_at))
            self.receiver.notify()

        self.ground.chain.then(position, returned)

    def leave(self, delivery: Delivery, position: int) -> None:
        head = delivery.head
        delivery.close()
        self.receiver.buffer.settle(head)
        self.ground.chain.then(position, lambda: self.receiver.buffer.forget(head))
        self.receiver.notify()

    def warn_when_pending(self, delivery: Delivery) -> None:
        def warn() -> None:
            logger.warning(
                "message %s of queue %s of %s is pending for over %d s: it stays so until complete()",
                delivery.head.uid.hex, delivery.queue.name, self.ground.address, PENDING_WARNING_AFTER,
                extra=self.log_fields(delivery.head),
            )  # fmt: skip

        delivery.warning = self.ground.loop.call_later(PENDING_WARNING_AFTER, warn)


def replace_counts(
    head: Head, *, failures: int | None = None, crashes: int | None = None, error: str | None = None
) -> Head:
    return head._replace(
        failures=head.failures if failures is None else failures,
        crashes=head.crashes if crashes is None else crashes,
        error=head.error if error is None else error,
    )
