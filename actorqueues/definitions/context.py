"""What the running code belongs to: which activation, which delivery, which user."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from actorqueues.definitions.ports import ActivationPort, DeliveryPort
    from actorqueues.mailbox.message import Message


class DeliveryScope(Protocol):
    """What a task of an actor has received and not settled yet.

    A mutable thing in the context, not the delivery itself: on Python 3.11 ``wait_for(next())`` receives in
    a task of its own, whose context changes its creator never sees.
    """

    @property
    def delivery(self) -> DeliveryPort | None: ...


@dataclass(frozen=True, slots=True)
class FixedScope:
    delivery: DeliveryPort | None


current_activation: ContextVar[ActivationPort | None] = ContextVar("actorqueues_activation", default=None)
current_scope: ContextVar[DeliveryScope | None] = ContextVar("actorqueues_scope", default=None)
current_user: ContextVar[str | None] = ContextVar("actorqueues_user", default=None)


class CurrentDelivery:
    """Reads like a context variable; what it says changes when the scope settles its message."""

    def get(self) -> DeliveryPort | None:
        scope = current_scope.get()
        return None if scope is None else scope.delivery

    def set(self, delivery: DeliveryPort | None) -> Token[DeliveryScope | None]:
        return current_scope.set(FixedScope(delivery))

    def reset(self, token: Token[DeliveryScope | None]) -> None:
        current_scope.reset(token)


current_delivery = CurrentDelivery()


def current_message() -> Message[Any, Any] | None:
    """The message being handled here, for code deep below a handler and for log filters; else None."""
    delivery = current_delivery.get()
    return None if delivery is None else delivery.message
