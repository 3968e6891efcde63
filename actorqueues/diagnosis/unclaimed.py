"""Actors by id, those included that have mail and were never claimed: only their wakes know who they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import connections

from actorqueues.diagnosis.names import stored_types
from actorqueues.models import ActorInstance, Message, Wake
from actorqueues.storage.dialects import dialect_for

LARGE = ("state", "input", "held_reason")  # and of no use to a list


def find_actors(actor_ids: Collection[UUID], using: str, *, whole: bool = False) -> list[ActorInstance]:
    """In the order of the ids. One without a row is given as it would be made, unsaved.

    ``whole``: with state and input, which may be large.
    """
    stored = ActorInstance.objects.using(using).filter(id__in=actor_ids)
    found = {actor.id: actor for actor in (stored if whole else stored.defer(*LARGE))}
    if missing := [actor_id for actor_id in actor_ids if actor_id not in found]:
        types = stored_types(Wake, using)  # with the types named the index serves; it begins with them
        for actor_id, type_name, key in dialect_for(using).owners_of_wakes(
            connections[using], types, missing
        ):
            found[actor_id] = ActorInstance(id=actor_id, type=type_name, key=key)
    return [found[actor_id] for actor_id in actor_ids if actor_id in found]


def is_unclaimed(actor: ActorInstance) -> bool:
    return actor._state.adding


def receivers_of(messages: Iterable[Message], using: str) -> dict[UUID, ActorInstance]:
    """The actors of a page of messages, by id, in three queries."""
    return {actor.id: actor for actor in find_actors({message.actor_id for message in messages}, using)}
