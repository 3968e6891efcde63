"""The end of an activation: the last hook, and the lease goes back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from actorqueues.exceptions import ActorAborted, LeaseLost, OperationRefused
from actorqueues.storage.mailboxes import MailRequest, read_mail
from actorqueues.storage.operations import Bury, Destroy, Release, Return, Settle

if TYPE_CHECKING:
    from actorqueues.runtime.activation import Activation
    from actorqueues.storage.dialects import Head

logger = logging.getLogger("actorqueues.activation")


async def leave(activation: Activation, held: str | None) -> None:
    """Gives the lease back, after everything else is durable. A lost one is left to its successor."""
    released = False
    try:
        if activation.lost is None:
            await say_goodbye(activation, held)
            released = True
    except (LeaseLost, OperationRefused, ActorAborted) as error:
        activation.lose(error)
    except Exception:
        logger.exception("%s: its release failed", activation.address, extra=activation.log_fields)
    finally:
        activation.has_started()
        activation.close_timers()
        await activation.end_tasks()
        if isinstance(activation.lost, OperationRefused):
            released = await give_back_refused(activation, activation.lost)
        activation.session.forget(activation)
        if not released:  # it may still be ours by its row: then it is claimed again
            activation.session.leasing.look_for_strays()


async def say_goodbye(activation: Activation, held: str | None) -> None:
    destroyed = activation.ending == "destroy"
    await call_last_hook(activation, destroyed)
    await activation.end_tasks()
    await activation.chain.durable()
    # From here on nobody may ring for this actor: the release looks for mail after deleting its wakes.
    activation.releasing = True
    await activation.session.leasing.finish_look()
    if destroyed:
        activation.chain.submit(Destroy(f"actor {activation.address} was destroyed"))
    else:
        activation.chain.submit(Release(activation.actor_type, list(activation.definition.queues), held))
    await activation.chain.durable()


async def call_last_hook(activation: Activation, destroyed: bool) -> None:
    if not (activation.is_created if destroyed else activation.is_awake):
        return
    try:
        actor = activation.actor if activation.is_awake else activation.bring_to_life()
        await activation.call_hook(actor.on_destroy if destroyed else actor.on_sleep)
    except Exception:
        logger.exception("%s: its last hook failed", activation.address, extra=activation.log_fields)
        activation.restore_state()


async def give_back_refused(activation: Activation, refusal: OperationRefused) -> bool:
    """A step was refused, and all after it discarded: its message has failed, the later ones go back uncounted.

    False: that failed too.
    """
    logger.error("%s starts anew: %s", activation.address, refusal, extra=activation.log_fields)
    guilty = {
        operation.head.id for operation in activation.chain.refused if isinstance(operation, Settle | Bury)
    }
    try:
        returns = [
            returned(activation, head, refusal if head.id in guilty else None)
            for head in await heads_in_flight(activation)
        ]
        chain = activation.session.journal_chain(activation.claimed)
        if returns:
            chain.submit(*returns)
        chain.submit(Release(activation.actor_type, list(activation.definition.queues)))
        await chain.durable()
    except Exception:
        logger.exception("%s: its release failed", activation.address, extra=activation.log_fields)
        return False
    return True


async def heads_in_flight(activation: Activation) -> list[Head]:
    limits = dict.fromkeys(activation.definition.queues, activation.session.options.batch_size)
    request = MailRequest(activation.actor_id, activation.epoch, limits, promotes=False)
    _, mail = await activation.session.threads.leasing(read_mail, [request], using=activation.using)
    return [head for head in mail[activation.actor_id].heads if head.started_at is not None]


def returned(activation: Activation, head: Head, refusal: OperationRefused | None) -> Return:
    if refusal is None:
        return Return(head, None, "uncounted")
    failed = head._replace(failures=head.failures + 1, error=str(refusal))
    delay = activation.definition.queues[head.queue].backoff.delay(failed.failures + failed.crashes)
    return Return(failed, delay, "failed")
