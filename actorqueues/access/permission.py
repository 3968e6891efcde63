"""What an actor's own hooks say. Its ``permission_classes`` are asked by the edges, which know the request."""

from __future__ import annotations

from typing import Any, Literal

from actorqueues.access.requester import Access
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.guards import has_own_hook
from actorqueues.exceptions import Forbidden

Deed = Literal["connect", "publish", "read", "subscribe", "call", "create", "list", "destroy"]


def allows(actor_class: type[Actor[Any]], access: Access, deed: Deed, *names: str) -> bool:
    """Whether ``can_connect`` and the deed's own hook let it happen. May query the database.

    A list is of a type and not of an actor: it takes no connecting.
    """
    try:
        require(actor_class, access, deed, *names)
    except Forbidden:
        return False
    return True


def require(actor_class: type[Actor[Any]], access: Access, deed: Deed, *names: str) -> None:
    """The same; raises ``Forbidden``. ``names``: of the queue, the action or the event."""
    may = deed in ("connect", "list") or actor_class.can_connect(access)
    if not may or not getattr(actor_class, f"can_{deed}")(access, *names):
        raise Forbidden()


def may_see(access: Access, sender_id: str | None) -> bool:
    """Whether a message or its outcome is this requester's to look at, wait for and take back, once its id is known.

    What a user sent is theirs and the staff's; what nobody in particular sent is whoever's has its id.
    """
    return sender_id in (None, access.user_id) or access.is_staff


def may_take_back(access: Access, sender_id: str | None) -> bool:
    """Stricter than ``may_see``: an equal dedupe key gives the id of what the project's own code sent."""
    return sender_id == access.user_id or access.is_staff


def may_create(actor_class: type[Actor[Any]], access: Access) -> bool:
    """Whether what is sent may bring the actor into being. Asked after ``publish`` or ``call`` was allowed."""
    if not has_own_hook(actor_class, "can_create"):
        return True  # it follows can_publish, which has just let the requester in
    return bool(actor_class.can_create(access))
