"""How a message leaves: with the delivery it is sent in, with the caller's transaction, or at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from actorqueues.client.depth import gauge
from actorqueues.client.outgoing import derived
from actorqueues.client.receipts import Receipt
from actorqueues.client.targets import Target
from actorqueues.client.transactions import in_testcase, in_transaction, refuse_mismatch
from actorqueues.definitions.context import current_delivery
from actorqueues.definitions.ports import DeliveryPort
from actorqueues.definitions.queue import Queue
from actorqueues.exceptions import OperationRefused, QueueFull
from actorqueues.signals import message_sent
from actorqueues.storage.deduplication import find_first
from actorqueues.storage.ids import derived_uid
from actorqueues.storage.sending import Outgoing, Progress, Stored, store_messages
from actorqueues.wakeups import announce_after_commit

safe_action: ContextVar[str | None] = ContextVar("actorqueues_safe_action", default=None)
"""The name of the safe action that runs here: it may not send."""


def delivery_in_hand() -> DeliveryPort | None:
    """The delivery whose settlement sends from here commit with; None outside one and inside ``atomic()``."""
    delivery = current_delivery.get()
    return None if delivery is None or delivery.in_atomic else delivery


def refuse_in_safe_action() -> None:
    name = safe_action.get()
    if name is not None:
        raise OperationRefused(operation="send()", reason=f'the action "{name}" is safe, so it only reads')


def leave(
    target: Target,
    queue: Queue[Any, Any],
    outgoing: Sequence[Outgoing],
    *,
    now: bool,
    detached: bool,
    progress: Progress | None = None,
) -> list[Receipt]:
    """Sends messages to one actor's queue. Raises ``OperationRefused`` and what ``store`` raises."""
    refuse_in_safe_action()
    delivery = delivery_in_hand()
    if delivery is not None and not now:
        return leave_with_delivery(delivery, target, queue, outgoing)
    if delivery is not None:
        outgoing = [repeatable(one, delivery) for one in outgoing]
    stored = store(target, queue, outgoing, detached=detached, progress=progress)
    return [Receipt(one.uid.hex, one.deduplicated) for one in stored]


def repeatable(outgoing: Outgoing, delivery: DeliveryPort) -> Outgoing:
    return derived(outgoing, derived_uid(UUID(hex=delivery.message.id), delivery.next_call_number()))


def leave_with_delivery(
    delivery: DeliveryPort, target: Target, queue: Queue[Any, Any], outgoing: Sequence[Outgoing]
) -> list[Receipt]:
    if target.must_exist:
        target.require_row()  # now, while the sender can still do something about it
    make_room(target, queue, outgoing)
    for one in outgoing:
        if one.idempotency is not None:
            find_first(one, using=target.using)
    buffer(delivery, outgoing, target.using)
    return [Receipt(one.uid.hex, None) for one in outgoing]


def leave_without_io(
    target: Target, queue: Queue[Any, Any], outgoing: Outgoing, *, now: bool
) -> Receipt | None:
    """On an event loop: hands the message to the delivery, if that takes no query; None if it does."""
    refuse_in_safe_action()
    delivery = delivery_in_hand()
    if delivery is None or now or target.must_exist or outgoing.idempotency is not None:
        return None
    limit = queue.depth_limit
    if limit is not None and not gauge.take((target.using, target.actor_id, queue.name), 1):
        return None
    delivery.buffer_send([outgoing])
    return Receipt(outgoing.uid.hex, None)


def buffer(delivery: DeliveryPort, outgoing: Sequence[Outgoing], using: str) -> None:
    connection = connections[using]
    if in_transaction(connection) and not in_testcase(connection):
        # The handler's own transaction may be rolled back, and the send with it.
        transaction.on_commit(partial(delivery.buffer_send, outgoing), using=using)
    else:
        delivery.buffer_send(outgoing)


def store(
    target: Target,
    queue: Queue[Any, Any],
    outgoing: Sequence[Outgoing],
    *,
    detached: bool,
    progress: Progress | None = None,
) -> list[Stored]:
    """Durable when it returns, or with the caller's transaction.

    Raises ``TransactionMismatch``, ``QueueFull``, ``ActorNotFound``, ``IdempotencyMismatch``.
    """
    using = target.using
    if not detached:
        refuse_mismatch(using)
    try:
        make_room(target, queue, outgoing)
    except QueueFull:
        first = find_first(outgoing[0], using=using) if len(outgoing) == 1 and outgoing[0].has_keys else None
        if first is None:
            raise
        return [first]  # a repeat takes no room
    stored = store_messages(outgoing, using=using, progress=progress)
    new = [one for one, place in zip(outgoing, stored, strict=True) if not place.deduplicated]
    if new:
        announce_after_commit("work", [target.actor_id], using=using)
        tell_receivers(target, new)
    return stored


def make_room(target: Target, queue: Queue[Any, Any], outgoing: Sequence[Outgoing]) -> None:
    limit = queue.depth_limit
    if limit is not None and outgoing:
        gauge.check((target.using, target.actor_id, queue.name), len(outgoing), limit)


def tell_receivers(target: Target, stored: Sequence[Outgoing]) -> None:
    """The signal ``message_sent``, after the commit."""
    if not message_sent.has_listeners(target.actor_class):
        return

    def send() -> None:
        for one in stored:
            message_sent.send_robust(
                sender=target.actor_class, actor_type=one.actor_type, key=target.parts, queue=one.queue,
                message_id=one.uid.hex, deduplicated=False, user_id=one.user_id,
            )  # fmt: skip

    transaction.on_commit(send, using=target.using, robust=True)
