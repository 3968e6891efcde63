"""Waiting for what becomes of a message, synchronously and on an event loop."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

from django.db import connections

from actorqueues.client.gathering import Departure
from actorqueues.client.hub import Waiter, hub_of
from actorqueues.client.receipts import Receipt
from actorqueues.client.results import AnyResult, Completed, Failed, TimedOut
from actorqueues.client.sending import delivery_in_hand
from actorqueues.client.targets import Target
from actorqueues.client.transactions import in_testcase
from actorqueues.conf import settings
from actorqueues.definitions.context import current_delivery
from actorqueues.definitions.queue import Queue
from actorqueues.durations import Duration, seconds
from actorqueues.exceptions import (
    ActorAborted,
    MessageFailed,
    MessageUnknown,
    ReplyTimedOut,
    WaitInTransaction,
    WaitOnSelf,
)
from actorqueues.models import OutcomeStatus
from actorqueues.storage.outcomes import MessageStatus, StoredOutcome, message_status, read_outcomes

Admission = Callable[[str | None], object]
"""Raises where who asks may not know what became of a message of this user (None: nobody's)."""

LONGEST_IN_DELIVERY = 60.0  # seconds; a handler that waits holds up its own actor


class InlineRunner(Protocol):
    """Handles what is due on a database, in the caller's own transaction."""

    def wait(self, uid: UUID, using: str, timeout: float) -> StoredOutcome | None:
        """Blocks until the outcome is there, or nothing is due any more."""
        ...

    async def wait_on_loop(self, uid: UUID, using: str, timeout: float) -> StoredOutcome | None: ...


inline_runner: InlineRunner | None = None
"""Set by ``actorqueues.testing``."""


def time_to_wait(timeout: Duration | None) -> float:
    """In seconds; None is the setting ``WAIT_TIMEOUT``. Inside a delivery at most a minute."""
    wait = settings.WAIT_TIMEOUT if timeout is None else seconds(timeout, "timeout")
    return wait if current_delivery.get() is None else min(wait, LONGEST_IN_DELIVERY)


def refuse_circle(target: Target) -> None:
    """Raises ``WaitOnSelf`` when the target waits, perhaps through others, for the actor that runs here."""
    delivery = current_delivery.get()
    if delivery is not None and target.address in delivery.waiting_chain:
        raise WaitOnSelf(chain=" → ".join((*delivery.waiting_chain, target.address)))


def refuse_unsettled(message: str | Receipt) -> None:
    """Raises ``WaitInTransaction`` for a message that is stored only when the delivery settles."""
    if isinstance(message, Receipt) and message.deduplicated is None and delivery_in_hand() is not None:
        raise WaitInTransaction(
            "This message is stored when the delivery it was sent in settles: nobody can reply before that. "
            "Send it with wait=True or now=True."
        )


def uid_of(message: str | Receipt) -> UUID:
    """Raises ``MessageUnknown`` for text that is no message's id."""
    text = message.id if isinstance(message, Receipt) else message
    try:
        return UUID(hex=text)
    except (ValueError, AttributeError, TypeError):
        raise MessageUnknown(message_id=text) from None


def look_up(target: Target, uid: UUID, admit: Admission | None = None) -> StoredOutcome | None:
    """The outcome if it is there, None if it will be. Raises ``MessageUnknown`` when there will be none.

    ``admit`` is asked first, with the sender's user id; raises what that raises.
    """
    found = find_message(target, uid)
    if found is not None and admit is not None:
        admit(found.user_id)
    if isinstance(found, StoredOutcome):
        return found
    if found is None or not (found.keeps_outcome or found.status == "dead"):
        raise MessageUnknown(message_id=uid.hex)
    if found.status != "dead":
        return None
    failed = OutcomeStatus.FAILED.value
    return StoredOutcome(uid, found.actor_id, found.queue, failed, None, found.error, found.user_id)


def find_message(target: Target, uid: UUID) -> StoredOutcome | MessageStatus | None:
    """The outcome of a message to this actor, or where it stands."""
    for _ in range(2):  # settled between the two looks: then it is there on the second round
        found: StoredOutcome | MessageStatus | None = read_outcomes([uid], using=target.using).get(uid)
        found = found or message_status(uid, using=target.using)
        if found is not None:
            return found if found.actor_id == target.actor_id else None
    return None


class Pending:
    """The outcome of one message, for one who waits: blocking, or on an event loop.

    ``stored`` false: the message is sent only after this. Then nothing has to be looked for, because whatever
    becomes of it is announced to those who wait by then. With a ``departure`` it may still be on its way into the
    store: the waiting begins with that, and raises what keeps it from there.
    """

    __slots__ = ("departure", "outcome", "uid", "using", "waiter")

    def __init__(
        self, using: str, uid: UUID, outcome: StoredOutcome | None = None, *, stored: bool = True
    ) -> None:
        self.using, self.uid, self.outcome = using, uid, outcome
        self.waiter: Waiter | None = None
        self.departure: Departure | None = None
        if outcome is None and inline_runner is None:
            self.waiter = hub_of(using).wait_for(uid, look=stored)

    def forget(self) -> None:
        """Nobody waits for it any more. (Whoever is cancelled before they could say so just drops it.)"""
        if self.waiter is not None:
            hub_of(self.using).forget(self.uid, self.waiter)

    def here(self, timeout: float) -> StoredOutcome | None:
        """Blocks until the outcome is there. None: it is not within ``timeout`` seconds."""
        if self.waiter is None:
            return self.outcome or run_inline(self.uid, self.using, timeout)
        try:
            if self.departure is not None:
                self.departure.here()
                self.departure = None  # a body, that nobody needs while this waits
            with lane_lent(), aborting(self.waiter):
                return self.waiter.block(None if math.isinf(timeout) else timeout)
        finally:
            self.forget()

    async def on_loop(self, timeout: float) -> StoredOutcome | None:
        """The same without blocking, and without a hop into a thread: thousands may wait like this."""
        if self.waiter is None:
            if self.outcome is not None or inline_runner is None:
                return self.outcome
            return await inline_runner.wait_on_loop(self.uid, self.using, timeout)
        try:
            if self.departure is not None:
                await self.departure.on_loop()
                self.departure = None
            async with asyncio.timeout(None if math.isinf(timeout) else timeout):
                return await self.waiter.wait()
        except TimeoutError:
            return self.waiter.outcome  # it may have come in this very moment
        finally:
            self.forget()


def run_inline(uid: UUID, using: str, timeout: float) -> StoredOutcome | None:
    return None if inline_runner is None else inline_runner.wait(uid, using, timeout)


def refuse_in_testcase(using: str) -> None:
    """Raises ``WaitInTransaction`` in a TestCase whose actors are not handled in the test itself."""
    if inline_runner is None and in_testcase(connections[using]):
        raise WaitInTransaction(
            "Nobody else sees what this test has sent: it runs in a transaction. Use actorqueues.testing "
            '(the fixture "actors"), which handles messages in here, or a TransactionTestCase with a worker.'
        )


@contextmanager
def lane_lent() -> Iterator[None]:
    """A handler that blocks here lends its lane to others."""
    delivery = current_delivery.get()
    if delivery is None:
        yield
        return
    with delivery.lend_lane():
        yield


@contextmanager
def aborting(waiter: Waiter) -> Iterator[None]:
    """A handler that is aborted waits no longer: ``ActorAborted``."""
    delivery = current_delivery.get()
    signal = None if delivery is None else getattr(delivery.message, "signal", None)
    if signal is None:
        yield
        return
    aborted = threading.Event()

    def give_up(*_: Any) -> None:
        aborted.set()
        waiter.give_up()

    signal.add_callback(give_up)
    try:
        yield
    finally:
        signal.remove_callback(give_up)
    if aborted.is_set() and waiter.outcome is None:
        raise ActorAborted()


def result_of(
    target: Target, queue: Queue[Any, Any] | None, uid: UUID, outcome: StoredOutcome | None
) -> AnyResult:
    """What the waiting caller gets. Raises ``ReplyInvalid`` when a stored reply no longer fits its queue."""
    if outcome is None:
        status = message_status(uid, using=target.using)
        return TimedOut(uid.hex, None if status is None else status.error)
    if outcome.status != OutcomeStatus.COMPLETED:
        return Failed(uid.hex, outcome.error or "failed")
    if queue is None:
        queue = target.actor_class.definition.queues.get(outcome.queue)
    if outcome.reply is None:
        return Completed(uid.hex, None)
    return Completed(uid.hex, json.loads(outcome.reply) if queue is None else queue.load_reply(outcome.reply))


def reply_of(result: AnyResult, timeout: float) -> Any:
    """The reply itself. Raises ``ReplyTimedOut`` or ``MessageFailed``."""
    if isinstance(result, Completed):
        return result.response
    if isinstance(result, TimedOut):
        raise ReplyTimedOut(message_id=result.id, timeout=f"{timeout:g}", error=result.error)
    raise MessageFailed(message_id=result.id, error=result.error)
