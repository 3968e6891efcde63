"""Whether an actor is there, and its row, which its id is made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorqueues.access.permission import Deed
from actorqueues.client.operating import exists, look_at
from actorqueues.client.targets import Target
from actorqueues.exceptions import ActorNotFound
from actorqueues.models import ActorInstance
from actorqueues.storage.actors import create_actor

Admit = Callable[[Target, Deed], Any]
"""Raises ``Forbidden`` and the like."""


def present_row(target: Target, admit: Admit) -> ActorInstance | None:
    """An actor that has only been sent something gets its row now, for an id to be known by."""
    admit(target, "connect")
    if (row := target.row()) is None and exists(target):
        create_actor(target.actor_id, target.type_name, target.key, using=target.using)
        row = target.row()
    return row


def create_row(target: Target, admit: Admit) -> bool:
    """False: it is there already."""
    admit(target, "create")
    made = create_actor(target.actor_id, target.type_name, target.key, input=target.input, using=target.using)
    if made:
        look_at(target)
    return made


def get_or_create_row(target: Target, admit: Admit) -> tuple[ActorInstance, bool]:
    """And whether it was made. Raises ``ActorNotFound`` where the target must be there."""
    if row := present_row(target, admit):
        return row, False
    if target.must_exist:
        raise target.not_found()
    created = create_row(target, admit)
    return row_of(target), created


def row_of(target: Target) -> ActorInstance:
    """Raises ``ActorNotFound``: somebody destroys it meanwhile."""
    row = target.row()
    if row is None:
        message = f"Actor {target.address} is being destroyed. Try again soon."
        raise ActorNotFound(message, actor=target.address)
    return row
