"""Actors by id, those included that have mail and were never claimed: only their wakes know who they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import OuterRef

from actorqueues.diagnosis.names import stored_types
from actorqueues.models import ActorInstance, Message, Wake


def find_actors(actor_ids: Collection[UUID], using: str) -> list[ActorInstance]:
    """In the order of the ids. One without a row is given as it would be made, unsaved."""
    rows = {actor.id: actor for actor in ActorInstance.objects.using(using).filter(id__in=actor_ids)}
    for actor_id in actor_ids:
        if actor_id not in rows and (found := from_wake(actor_id, using)):
            rows[actor_id] = found
    return [rows[actor_id] for actor_id in actor_ids if actor_id in rows]


def from_wake(actor_id: UUID, using: str) -> ActorInstance | None:
    wakes = Wake.objects.using(using)
    # With the types named the index serves; it begins with them.
    wake = wakes.filter(type__in=stored_types(Wake, using), actor_id=actor_id).first()
    return None if wake is None else ActorInstance(id=actor_id, type=wake.type, key=wake.key)


def is_unclaimed(actor: ActorInstance) -> bool:
    return actor._state.adding


def receivers_of(messages: Sequence[Message], using: str) -> dict[UUID, ActorInstance]:
    """The actors of a page of messages, in three queries. One without a row is given as it would be made."""
    by_actor = {message.actor_id: message.pk for message in messages}
    rows = ActorInstance.objects.using(using).filter(id__in=by_actor).only("id", "type", "key")
    found = {actor.id: actor for actor in rows}
    unclaimed = [pk for actor_id, pk in by_actor.items() if actor_id not in found]
    if unclaimed:
        wakes = Wake.objects.using(using).filter(actor_id=OuterRef("actor_id"))
        mine = wakes.filter(type__in=stored_types(Wake, using))
        woken = Message.objects.using(using).filter(pk__in=unclaimed)
        named = woken.annotate(type=mine.values("type")[:1], key=mine.values("key")[:1])
        for actor_id, type_name, key in named.values_list("actor_id", "type", "key"):
            if type_name is not None:
                found[actor_id] = ActorInstance(id=actor_id, type=type_name, key=key)
    return found
