"""actorqueues: durable actors with mailboxes in a Django project's own database.

Names are imported when they are first used, so that this package can be imported before Django is ready.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorqueues.client.receipts import Receipt
    from actorqueues.client.results import Completed, Failed, TimedOut
    from actorqueues.definitions.abort import AbortController, AbortSignal
    from actorqueues.definitions.action import action
    from actorqueues.definitions.actor import Actor
    from actorqueues.definitions.backoff import Backoff
    from actorqueues.definitions.context import current_message
    from actorqueues.definitions.handler import handler
    from actorqueues.definitions.marks import CONTENT
    from actorqueues.definitions.queue import Queue
    from actorqueues.exceptions import (
        ActionNotFound,
        ActorAborted,
        ActorExists,
        ActorNotFound,
        ActorQueuesError,
        BodyInvalid,
        DeliveryEnded,
        Forbidden,
        IdempotencyMismatch,
        KeyInvalid,
        LeaseLost,
        MessageFailed,
        MessageTooLarge,
        MessageUnknown,
        NotActivated,
        OperationRefused,
        OutcomeNotKept,
        OutputInvalid,
        QueueAlreadyCompleted,
        QueueCompleteNotAllowed,
        QueueFull,
        QueueMessagePending,
        Reject,
        ReplyInvalid,
        ReplyTimedOut,
        StateInvalid,
        StateNotSerializable,
        StateReadOnly,
        TransactionMismatch,
        UnknownActor,
        UnknownQueue,
        WaitInTransaction,
        WaitOnSelf,
    )
    from actorqueues.mailbox.message import Message
    from actorqueues.runtime.options import WorkerOptions
    from actorqueues.runtime.worker import Worker

__version__ = "0.1.0"

_DEFINITIONS = {
    "AbortController": "abort",
    "AbortSignal": "abort",
    "action": "action",
    "Actor": "actor",
    "Backoff": "backoff",
    "current_message": "context",
    "handler": "handler",
    "CONTENT": "marks",
    "Queue": "queue",
}
_FROM_ABOVE = {
    "Completed": "actorqueues.client.results",
    "Failed": "actorqueues.client.results",
    "Message": "actorqueues.mailbox.message",
    "Receipt": "actorqueues.client.receipts",
    "TimedOut": "actorqueues.client.results",
    "Worker": "actorqueues.runtime.worker",
    "WorkerOptions": "actorqueues.runtime.options",
}

__all__ = [
    "CONTENT",
    "AbortController",
    "AbortSignal",
    "ActionNotFound",
    "Actor",
    "ActorAborted",
    "ActorExists",
    "ActorNotFound",
    "ActorQueuesError",
    "Backoff",
    "BodyInvalid",
    "Completed",
    "DeliveryEnded",
    "Failed",
    "Forbidden",
    "HandlerTimedOut",
    "IdempotencyMismatch",
    "KeyInvalid",
    "LeaseLost",
    "Message",
    "MessageFailed",
    "MessageTooLarge",
    "MessageUnknown",
    "NotActivated",
    "OperationRefused",
    "OutcomeNotKept",
    "OutputInvalid",
    "Queue",
    "QueueAlreadyCompleted",
    "QueueCompleteNotAllowed",
    "QueueFull",
    "QueueMessagePending",
    "Receipt",
    "Reject",
    "ReplyInvalid",
    "ReplyTimedOut",
    "StateInvalid",
    "StateNotSerializable",
    "StateReadOnly",
    "TimedOut",
    "TransactionMismatch",
    "UnknownActor",
    "UnknownQueue",
    "WaitInTransaction",
    "WaitOnSelf",
    "Worker",
    "WorkerOptions",
    "action",
    "current_message",
    "handler",
]


def __getattr__(name: str) -> Any:
    if name in _DEFINITIONS:
        module = f"actorqueues.definitions.{_DEFINITIONS[name]}"
    elif name in _FROM_ABOVE:
        module = _FROM_ABOVE[name]
    elif name in __all__:
        module = "actorqueues.exceptions"
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
