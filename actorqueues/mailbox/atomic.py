from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic

from django.db import DatabaseError, transaction
from typing_extensions import TypeVar

from actorqueues.bridge import refuse_running_loop
from actorqueues.events.publishing import emitted, tell_listeners
from actorqueues.exceptions import OperationRefused
from actorqueues.storage.stepping import begin_step, commit_step, is_settled

if TYPE_CHECKING:
    from actorqueues.mailbox.delivery import Delivery

R = TypeVar("R", default=Any)


class AtomicStep(Generic[R]):
    """What ``with message.atomic()`` gives: set ``reply`` to answer the sender."""

    __slots__ = ("reply",)

    reply: R

    def dumped(self, delivery: Delivery) -> str | None:
        from actorqueues.mailbox.message import dump_reply

        given = (self.reply,) if hasattr(self, "reply") else ()
        return dump_reply(delivery, given)


@contextmanager
def atomic_step(delivery: Delivery) -> Iterator[AtomicStep[Any]]:
    """One transaction for the user's writes and the settlement.

    The journal has nothing of this actor under way meanwhile: on SQLite the two would wait for each other.
    The actor's row is locked only after the user's code has run, so that a long step holds up nobody.
    """
    refuse_running_loop("atomic")
    ground, settling = delivery.receiver.ground, delivery.receiver.settling
    if delivery.in_atomic:
        raise OperationRefused(operation="atomic()", reason="an atomic block of this message is open already")
    step: AtomicStep[Any] = AtomicStep()
    chain = ground.call_from_lane(ground.chain.hold)
    try:
        try:
            with transaction.atomic(using=ground.using):
                begin_step(ground.lease, using=ground.using)
                delivery.in_atomic = True
                yield step
                delivery.require_alive()
                chain.steps = [settling.completion(delivery, step.dumped(delivery))]
                commit_step(chain, ground.lease, using=ground.using)
                tell_listeners(emitted(chain), using=ground.using)
        except DatabaseError:
            # The answer to a COMMIT can be lost: the message's row tells.
            if not chain.steps or not is_settled(delivery.head.id, using=ground.using):
                raise
    except BaseException:
        for made in chain.steps:
            ground.forget_submission(made)
        raise
    finally:
        delivery.in_atomic = False
        ground.loop.call_soon_threadsafe(ground.end_hold)
    ground.loop.call_soon_threadsafe(settling.completed_apart, delivery)
    delivery.is_open = False
