"""``message.atomic()``: an activation's operations in the transaction of the user's own code."""

from __future__ import annotations

from django.db import connections

from actorqueues.exceptions import LeaseLost
from actorqueues.models import ActorInstance, Message
from actorqueues.storage.applying import apply_chains
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.operations import Chain


def begin_step(lease: float, *, using: str) -> None:
    """Called first in the transaction: a process that stands still must not hold rows against its successor."""
    connection = connections[using]
    if not connection.savepoint_ids:  # not inside somebody's own transaction, as in Django's TestCase
        dialect_for(using).bound_idle_time(connection, lease)


def commit_step(chain: Chain, lease: float, *, using: str) -> None:
    """Checks the fence and applies the chain, in the transaction that is open. Raises ``LeaseLost`` if stale."""
    if not connections[using].savepoint_ids:
        dialect_for(using).bound_rest(connections[using], lease)
    actor = ActorInstance.objects.using(using).filter(id=chain.actor_id)
    epochs = list(dialect_for(using).lock_waiting(actor.values_list("epoch", flat=True)))
    if epochs != [chain.epoch]:
        raise LeaseLost(actor=str(chain.actor_id))
    apply_chains([chain], dialect_for(using).now(connections[using]), using=using)


def is_settled(message_id: int, *, using: str) -> bool:
    return not Message.objects.using(using).filter(id=message_id).exists()
