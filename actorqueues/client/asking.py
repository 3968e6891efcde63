"""Sending and waiting: in one go, or later by the message's id."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from actorqueues.bridge import in_thread
from actorqueues.client import waiting
from actorqueues.client.gathering import can_be_gathered, gatherer_of
from actorqueues.client.options import SendOptions
from actorqueues.client.outgoing import make_outgoing
from actorqueues.client.receipts import Receipt
from actorqueues.client.results import AnyResult
from actorqueues.client.sending import (
    delivery_in_hand,
    make_room,
    refuse_in_safe_action,
    repeatable,
    store,
)
from actorqueues.client.targets import Target
from actorqueues.client.transactions import refuse_mismatch, refuse_wait
from actorqueues.client.waiting import Admission, Pending
from actorqueues.definitions.queue import Queue
from actorqueues.durations import Duration
from actorqueues.exceptions import MessageUnknown, OutcomeNotKept
from actorqueues.storage.outcomes import StoredOutcome


def send_to_wait(
    target: Target,
    queue: Queue[Any, Any],
    body: Any,
    options: SendOptions,
    *,
    admit: Admission | None = None,
    together: bool = False,
) -> Pending:
    """Sends at once, inside a delivery too; gives what to wait for, perhaps found already by a repeat.

    ``admit`` is asked before a repeat waits for the first one. ``together``: with what others send at this moment; it
    may be stored only while one waits for its outcome. Raises ``WaitOnSelf``, ``WaitInTransaction``,
    ``OutcomeNotKept`` for a repeat, and what ``send`` and ``admit`` raise.
    """
    refuse_in_safe_action()
    waiting.refuse_circle(target)
    refuse_wait(target.using)
    waiting.refuse_in_testcase(target.using)
    delivery = delivery_in_hand()
    chain = () if delivery is None else delivery.waiting_chain
    outgoing = make_outgoing(target, queue, body, options, chain=chain, waits=True)
    if delivery is not None:
        outgoing = repeatable(outgoing, delivery)
    pending = Pending(target.using, outgoing.uid, stored=delivery is not None)
    if together and delivery is None and can_be_gathered(outgoing, target.using):
        refuse_mismatch(target.using)
        make_room(target, queue, [outgoing])
        pending.departure = gatherer_of(target.using).depart(target, outgoing)
        return pending
    stored = store(target, queue, [outgoing], detached=bool(options.get("detached")))[0]
    if not stored.deduplicated:
        return pending
    pending.forget()
    return Pending(target.using, stored.uid, first_outcome(target, stored.uid, admit))


def first_outcome(target: Target, uid: UUID, admit: Admission | None) -> StoredOutcome | None:
    """Of the message that a send repeats: None if it is still to come."""
    try:
        return waiting.look_up(target, uid, admit)
    except MessageUnknown:
        raise OutcomeNotKept(message_id=uid.hex) from None


def send_and_wait(
    target: Target, queue: Queue[Any, Any], body: Any, options: SendOptions, timeout: Duration | None
) -> AnyResult:
    seconds = waiting.time_to_wait(timeout)
    return finish(target, queue, send_to_wait(target, queue, body, options), seconds)


async def send_and_await(
    target: Target, queue: Queue[Any, Any], body: Any, options: SendOptions, timeout: Duration | None
) -> AnyResult:
    seconds = waiting.time_to_wait(timeout)
    pending = await in_thread(send_to_wait, target, queue, body, options)
    return await finish_on_loop(target, queue, pending, seconds)


def wait_for(target: Target, message: str | Receipt, timeout: Duration | None) -> AnyResult:
    seconds, uid = waiting.time_to_wait(timeout), waiting.uid_of(message)
    return finish(target, None, find_to_wait(target, message, uid), seconds)


async def await_for(target: Target, message: str | Receipt, timeout: Duration | None) -> AnyResult:
    seconds, uid = waiting.time_to_wait(timeout), waiting.uid_of(message)
    pending = await in_thread(find_to_wait, target, message, uid)
    return await finish_on_loop(target, None, pending, seconds)


def find_to_wait(target: Target, message: str | Receipt, uid: UUID) -> Pending:
    waiting.refuse_unsettled(message)
    refuse_wait(target.using)
    waiting.refuse_circle(target)
    outcome = waiting.look_up(target, uid)
    if outcome is None:
        waiting.refuse_in_testcase(target.using)
    return Pending(target.using, uid, outcome)


def finish(target: Target, queue: Queue[Any, Any] | None, pending: Pending, seconds: float) -> AnyResult:
    return waiting.result_of(target, queue, pending.uid, pending.here(seconds))


async def finish_on_loop(
    target: Target, queue: Queue[Any, Any] | None, pending: Pending, seconds: float
) -> AnyResult:
    outcome = await pending.on_loop(seconds)
    if outcome is None:
        return await in_thread(waiting.result_of, target, queue, pending.uid, None)
    return waiting.result_of(target, queue, pending.uid, outcome)
