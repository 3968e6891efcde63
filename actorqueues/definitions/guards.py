"""What those outside may do with the actors of a type, and what people see of them. Asked on every transport alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from actorqueues.definitions.redaction import masked

if TYPE_CHECKING:
    from actorqueues.access.requester import Access
    from actorqueues.definitions.definition import ActorDefinition


class Guards:
    """The part of an actor class that says who may come in. Override what should be stricter.

    They are asked after ``permission_classes``, and only about what ``exposed`` names or a ``QueueView`` serves. Plain
    functions that may query the database; False refuses (403), and so does raising ``Forbidden`` with a reason.
    """

    definition: ClassVar[ActorDefinition | Any]

    permission_classes: ClassVar[Sequence[Any] | None] = None
    """Of Django REST framework, for HTTP, WebSocket and gateway alike. None: the project's defaults."""

    @classmethod
    def can_connect(cls, access: Access) -> bool:
        """Anything at all with the actor ``access.key``; asked before each of the others but ``can_list``."""
        return True

    @classmethod
    def can_publish(cls, access: Access, queue: str) -> bool:
        """Send to the queue of this wire name, and look after what one has sent."""
        return True

    @classmethod
    def can_read(cls, access: Access) -> bool:
        """The committed state."""
        return True

    @classmethod
    def can_subscribe(cls, access: Access, event: str) -> bool:
        """Hear events of this name. Progress of a message comes as the event ``progress``."""
        return True

    @classmethod
    def can_call(cls, access: Access, action: str) -> bool:
        """Run the action of this wire name."""
        return True

    @classmethod
    def can_create(cls, access: Access) -> bool:
        """Who may send something may also make the actor that gets it."""
        queues = [name for name in cls.definition.queues if cls.definition.exposes(name)]
        return any(cls.can_publish(access, queue) for queue in queues)

    @classmethod
    def can_list(cls, access: Access) -> bool:
        """Which actors of the type there are. ``access.key`` is empty: ``can_connect`` is not asked. Staff only."""
        return access.is_staff

    @classmethod
    def can_destroy(cls, access: Access) -> bool:
        """Staff only."""
        return access.is_staff

    @classmethod
    def redact(cls, kind: str, name: str, value: Any) -> Any:
        """What people see of stored data, in the admin, the inspector and the commands.

        ``kind``: "body", "headers", "params", "state", "event", "reply" or "input". ``name``: of the queue or event,
        "" for state and input. ``value`` is parsed JSON. By default what has the name of a secret is masked; call
        ``super()`` to keep that. If it raises, nothing is shown.
        """
        return masked(value)


def has_own_hook(actor_class: type[Guards], name: str) -> bool:
    """Whether the class, or a base of its own, says something else than ``Guards``."""
    return getattr(getattr(actor_class, name), "__func__", None) is not getattr(Guards, name).__func__
