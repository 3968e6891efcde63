"""The Django signals of a delivery: after the commit they tell of, in a lane, if anybody listens."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actorqueues import signals
from actorqueues.definitions.keys import decode_key
from actorqueues.definitions.registry import registry
from actorqueues.storage.operations import Send

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from actorqueues.runtime.activation import Activation
    from actorqueues.storage.dialects import Head
    from actorqueues.storage.operations import Step
    from actorqueues.storage.outgoing import Outgoing

logger = logging.getLogger("actorqueues.signals")

LOG_FIELDS = ("actor_type", "queue", "message_id", "attempt")


def tell(activation: Activation, name: str, head: Head, details: dict[str, Any]) -> None:
    signal = getattr(signals, name)
    if not signal.receivers or not signal.has_listeners(activation.actor_class):
        return
    values = {
        "actor_type": activation.actor_type,
        "key": activation.key,
        "queue": head.queue,
        "message_id": head.uid.hex,
        "attempt": 1 + head.failures + head.crashes,
        **details,
    }
    lanes = activation.session.threads.lanes

    def committed() -> None:
        lanes.submit(send, signal, activation.actor_class, values)

    activation.chain.then(activation.chain.submitted, committed)


def tell_sent(steps: Sequence[Step], repeats: Sequence[str], lanes: Executor) -> None:
    """``message_sent`` for what was stored with a delivery."""
    if not signals.message_sent.has_listeners():
        return
    for operation in itertools.chain(*steps):
        for one in operation.outgoing if isinstance(operation, Send) else ():
            if one.uid.hex not in repeats:
                lanes.submit(send, signals.message_sent, registry.get(one.actor_type), sent_values(one))


def sent_values(one: Outgoing) -> dict[str, Any]:
    return {
        "actor_type": one.actor_type,
        "key": decode_key(one.actor_key),
        "queue": one.queue,
        "message_id": one.uid.hex,
        "deduplicated": False,
        "user_id": one.user_id,
    }


def send(signal: Any, sender: type, values: dict[str, Any]) -> None:
    for receiver, answer in signal.send_robust(sender=sender, **values):
        if isinstance(answer, Exception):
            fields = {name: value for name, value in values.items() if name in LOG_FIELDS}
            logger.error("a receiver of %s failed: %r", receiver, answer, exc_info=answer, extra=fields)
