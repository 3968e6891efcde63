"""Every error that users meet: a stable code, a sentence that says what to do, an HTTP status.

The docstring of a class is its default message, filled in from the keyword arguments it is raised with.
"""

from typing import Any, ClassVar


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class ActorQueuesError(Exception):
    """Something went wrong in actorqueues."""

    code: ClassVar[str] = "internal.error"
    status: ClassVar[int] = 500

    # By position: metadata from elsewhere may have any name, and "message" is one.
    def __init__(self, message: str | None = None, /, **metadata: Any) -> None:
        self.metadata = metadata
        self.message = message if message is not None else self._default_message()
        super().__init__(self.message)

    def _default_message(self) -> str:
        template = " ".join((type(self).__doc__ or type(self).__name__).split())
        return template.format_map(_Known(self.metadata))

    # By its parts: BaseException would call the class with the message alone.
    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.message, self.metadata)


def _restore(kind: type[ActorQueuesError], message: str, metadata: dict[str, Any]) -> ActorQueuesError:
    error = kind.__new__(kind)
    ActorQueuesError.__init__(error, message, **metadata)
    return error


# Addresses: which actor, which queue, which message


class UnknownActor(ActorQueuesError):
    """There is no actor type "{name}".{suggestion}"""

    code = "actor.unknown_type"
    status = 404


class UnknownQueue(ActorQueuesError):
    """Actor type "{actor_type}" has no queue "{name}".{suggestion}"""

    code = "queue.unknown"
    status = 404


class ActionNotFound(ActorQueuesError):
    """Actor type "{actor_type}" has no action "{name}".{suggestion}"""

    code = "actor.action_not_found"
    status = 404


class OutputInvalid(ActorQueuesError):
    """What action "{action}" returned cannot be told as JSON: {problem}"""

    code = "actor.output_invalid"
    status = 500


class KeyInvalid(ActorQueuesError, ValueError):
    """A key is a str, int, UUID or a tuple of them, not {kind}."""

    code = "actor.key_invalid"
    status = 400


class ActorNotFound(ActorQueuesError):
    """Actor {actor} does not exist. Use get_or_create() or create() to make it."""

    code = "actor.not_found"
    status = 404


class ActorExists(ActorQueuesError):
    """Actor {actor} exists already. Use get_or_create() to reach it either way."""

    code = "actor.already_exists"
    status = 409


class MessageUnknown(ActorQueuesError):
    """Nothing is kept about message {message_id}. To be able to ask, send it with wait, track=True or an
    idempotency_key."""

    code = "message.unknown"
    status = 404


class OutcomeNotKept(MessageUnknown):
    """This repeats message {message_id}, which was sent before and keeps no outcome that could be waited for. Send
    without wait."""

    code = "message.outcome_not_kept"
    status = 409


class Forbidden(ActorQueuesError):
    """You may not do this."""

    code = "auth.forbidden"
    status = 403


# Sending


class BodyInvalid(ActorQueuesError):
    """The body does not fit queue "{queue}": {problem}"""

    code = "queue.message_invalid"
    status = 400


class MessageTooLarge(ActorQueuesError):
    """Queue message too large ({size} bytes). Limit is {limit} bytes."""

    code = "queue.message_too_large"
    status = 413


class QueueFull(ActorQueuesError):
    """Queue is full. Limit is {limit} messages."""

    code = "queue.full"
    status = 429


class TransactionMismatch(ActorQueuesError):
    """A transaction is open on "{open}", and messages are stored in "{database}": they cannot commit
    together. Open the transaction on "{database}", or pass detached=True to send on its own."""

    code = "message.transaction_mismatch"
    status = 500


class IdempotencyMismatch(ActorQueuesError):
    """This idempotency key was used with another body. Use a new key for a new message."""

    code = "message.idempotency_mismatch"
    status = 409


class OperationRefused(ActorQueuesError):
    """{operation} is not possible here: {reason}"""

    code = "message.operation_refused"
    status = 409


# Waiting for a reply


class WaitInTransaction(ActorQueuesError):
    """Nobody can reply before this transaction commits. Send first, leave the transaction.atomic() block (or
    mark the view non_atomic_requests), then wait_for(receipt)."""

    code = "message.wait_in_transaction"
    status = 409


class WaitOnSelf(ActorQueuesError):
    """An actor would wait for itself: {chain}. Send without waiting."""

    code = "message.wait_on_self"
    status = 409


class ReplyTimedOut(ActorQueuesError):
    """No reply to message {message_id} within {timeout} seconds. It is still stored and will be handled;
    wait_for() collects its reply later."""

    code = "queue.timed_out"
    status = 400


class MessageFailed(ActorQueuesError):
    """Message {message_id} failed: {error}"""

    code = "queue.message_failed"
    status = 400


# Receiving


class QueueMessagePending(ActorQueuesError):
    """The previous message of queue "{queue}" is not completed. Call `await message.complete()` before asking
    for the next."""

    code = "queue.previous_message_not_completed"
    status = 400


class QueueCompleteNotAllowed(ActorQueuesError):
    """This message was received without completable=True: it is settled when the next one is asked for."""

    code = "queue.complete_not_configured"
    status = 400


class QueueAlreadyCompleted(ActorQueuesError):
    """Message {message_id} is already completed."""

    code = "queue.already_completed"
    status = 400


class ReplyInvalid(ActorQueuesError):
    """The reply does not fit queue "{queue}": {problem}"""

    code = "queue.reply_invalid"
    status = 500


class DeliveryEnded(ActorQueuesError):
    """The time of this delivery is over: its operations are refused."""

    code = "message.delivery_ended"
    status = 409


class Reject(ActorQueuesError):
    """Rejected by its handler."""

    code = "message.rejected"
    status = 400

    def __init__(self, reason: str | None = None, **metadata: Any) -> None:
        super().__init__(reason, **metadata)

    @property
    def reason(self) -> str:
        return self.message


# The actor and its state


class ActorAborted(ActorQueuesError):
    """The actor was aborted."""

    code = "actor.aborted"
    status = 400


class LeaseLost(ActorQueuesError):
    """This worker no longer owns the actor: another one may have taken it over."""

    code = "actor.lease_lost"
    status = 409


class HandlerTimedOut(ActorQueuesError):
    """The handler of queue "{queue}" took longer than its {timeout} s. Raise its timeout=, or do less in one
    message."""

    code = "queue.handler_timed_out"
    status = 408


class NotActivated(ActorQueuesError):
    """{name} belongs to a running actor. Outside of one, use a handle: {actor_class}.get_or_create(key)."""

    code = "actor.not_activated"
    status = 500


class StateInvalid(ActorQueuesError):
    """The state of actor type "{actor_type}" is not valid: {problem}"""

    code = "state.invalid"
    status = 500


class StateNotSerializable(ActorQueuesError):
    """The state of actor type "{actor_type}" cannot be stored as JSON: {problem}"""

    code = "state.not_serializable"
    status = 500


class StateReadOnly(ActorQueuesError):
    """Actions only read state. Send a message to change it."""

    code = "state.read_only"
    status = 500
