"""Sending and waiting: in one go, or later by the message's id."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from actorqueues.bridge import in_thread
from actorqueues.client import waiting
from actorqueues.client.options import SendOptions
from actorqueues.client.outgoing import make_outgoing
from actorqueues.client.receipts import Receipt
from actorqueues.client.results import AnyResult
from actorqueues.client.sending import delivery_in_hand, refuse_in_safe_action, repeatable, store
from actorqueues.client.targets import Target
from actorqueues.client.transactions import refuse_wait
from actorqueues.definitions.queue import Queue
from actorqueues.durations import Duration
from actorqueues.storage.outcomes import StoredOutcome


def send_to_wait(
    target: Target, queue: Queue[Any, Any], body: Any, options: SendOptions
) -> tuple[UUID, StoredOutcome | None]:
    """Sends at once, inside a delivery too; gives the id to wait for, and the outcome a repeat found already.

    Raises ``WaitOnSelf``, ``WaitInTransaction``, and what ``send`` raises.
    """
    refuse_in_safe_action()
    waiting.refuse_circle(target)
    refuse_wait(target.using)
    delivery = delivery_in_hand()
    chain = () if delivery is None else delivery.waiting_chain
    outgoing = make_outgoing(target, queue, body, options, chain=chain, waits=True)
    if delivery is not None:
        outgoing = repeatable(outgoing, delivery)
    stored = store(target, queue, [outgoing], detached=bool(options.get("detached")))[0]
    return stored.uid, waiting.look_up(target, stored.uid) if stored.deduplicated else None


def send_and_wait(
    target: Target, queue: Queue[Any, Any], body: Any, options: SendOptions, timeout: Duration | None
) -> AnyResult:
    seconds = waiting.time_to_wait(timeout)
    uid, outcome = send_to_wait(target, queue, body, options)
    if outcome is None:
        outcome = waiting.wait_here(target, uid, seconds)
    return waiting.result_of(target, queue, uid, outcome)


async def send_and_await(
    target: Target, queue: Queue[Any, Any], body: Any, options: SendOptions, timeout: Duration | None
) -> AnyResult:
    seconds = waiting.time_to_wait(timeout)
    uid, outcome = await in_thread(send_to_wait, target, queue, body, options)
    return await finish(target, queue, uid, outcome, seconds)


def wait_for(target: Target, message: str | Receipt, timeout: Duration | None) -> AnyResult:
    seconds, uid = waiting.time_to_wait(timeout), waiting.uid_of(message)
    outcome = find_to_wait(target, message, uid)
    if outcome is None:
        outcome = waiting.wait_here(target, uid, seconds)
    return waiting.result_of(target, None, uid, outcome)


async def await_for(target: Target, message: str | Receipt, timeout: Duration | None) -> AnyResult:
    seconds, uid = waiting.time_to_wait(timeout), waiting.uid_of(message)
    outcome = await in_thread(find_to_wait, target, message, uid)
    return await finish(target, None, uid, outcome, seconds)


def find_to_wait(target: Target, message: str | Receipt, uid: UUID) -> StoredOutcome | None:
    waiting.refuse_unsettled(message)
    refuse_wait(target.using)
    waiting.refuse_circle(target)
    return waiting.look_up(target, uid)


async def finish(
    target: Target, queue: Queue[Any, Any] | None, uid: UUID, outcome: StoredOutcome | None, seconds: float
) -> AnyResult:
    if outcome is None:
        outcome = await waiting.wait_on_loop(target.using, uid, seconds)
    if outcome is None:
        return await in_thread(waiting.result_of, target, queue, uid, None)
    return waiting.result_of(target, queue, uid, outcome)
