"""Events as they are read; and those that are broadcast from outside an activation."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import connections
from django.db.models import Max

from actorqueues.definitions.keys import decode_key
from actorqueues.models import ActorInstance, Event
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.dialects.base import EVENT_COLUMNS, EventRow
from actorqueues.storage.ids import key_id

T = TypeVar("T")

PROGRESS = "progress"
IDS_A_QUERY = 500


class Standing(NamedTuple):
    """Where an actor's numbers stand."""

    generation: int | None = None  # None: there is no actor yet
    number: int = 0


def read_events(actor_id: UUID, *, after: int, limit: int, using: str) -> list[Event]:
    """The numbered events after this number, in order, at most ``limit``."""
    events = Event.objects.using(using).filter(actor_id=actor_id, number__gt=after)
    return list(events.order_by("number")[:limit])


def read_progress(actor_id: UUID, message_uid: UUID, *, after: int, using: str) -> list[Event]:
    """What a message has reported after the event with this id, in order."""
    events = Event.objects.using(using).filter(actor_id=actor_id, message_uid=message_uid, id__gt=after)
    return list(events.filter(name=PROGRESS).order_by("actor_id", "id"))


def last_progress_number(actor_id: UUID, message_uid: UUID, *, using: str) -> int | None:
    """Of what a message has reported last."""
    events = Event.objects.using(using).filter(actor_id=actor_id, message_uid=message_uid, name=PROGRESS)
    return events.order_by("-id").values_list("number", flat=True).first()


def store_transient_events(
    actor_id: UUID, generation: int, events: Sequence[tuple[str, str, str | None]], *, using: str
) -> None:
    """Events ``(name, JSON text, user id)`` without a number: for whoever listens now."""
    now = dialect_for(using).now(connections[using])
    columns = ("actor_id", "generation", "name", "data", "user_id", "created_at")
    rows = [(actor_id, generation, name, data, user_id, now) for name, data, user_id in events]
    dialect_for(using).insert(connections[using], Event, columns, rows)


# For those who listen: many actors at once


def user_topic(user_id: str) -> UUID:
    """Under which id an event that is addressed to a user is announced, besides its actor's."""
    return key_id("user", UUID(int=0), user_id)


def topics_of(actor_id: UUID, user_ids: Iterable[str | None]) -> set[UUID]:
    return {actor_id} | {user_topic(user_id) for user_id in user_ids if user_id is not None}


def newest_event_id(*, using: str) -> int:
    return Event.objects.using(using).aggregate(newest=Max("id"))["newest"] or 0


def newest_event_id_before(seconds: float, *, using: str) -> int:
    """Of the events that took their ids at least so long ago."""
    until = dialect_for(using).now(connections[using]) - timedelta(seconds=seconds)
    ids = Event.objects.using(using).filter(created_at__lt=until).order_by("-id").values_list("id", flat=True)
    return ids.first() or 0


def read_standings(actor_ids: Collection[UUID], *, using: str) -> dict[UUID, Standing]:
    """Actors without a row are left out."""
    found: dict[UUID, Standing] = {}
    for part in parts_of(actor_ids, IDS_A_QUERY):
        rows = ActorInstance.objects.using(using).filter(id__in=part)
        for actor_id, generation, number in rows.values_list("id", "generation", "event_number"):
            found[actor_id] = Standing(generation, number)
    return found


def read_new_events(after: Mapping[UUID, int], floor: int, *, using: str) -> list[EventRow]:
    """Each actor's events after its number, and its transient ones above the id ``floor``."""
    found: list[EventRow] = []
    for part in parts_of(after.items(), IDS_A_QUERY):
        found += dialect_for(using).new_events(connections[using], part, floor)
    return found


def read_transient_events(actor_ids: Collection[UUID], floor: int, *, using: str) -> list[EventRow]:
    """The same without numbered ones."""
    found: list[EventRow] = []
    for part in parts_of(actor_ids, IDS_A_QUERY):
        rows = Event.objects.using(using).filter(actor_id__in=part, number=None, id__gt=floor)
        found += [EventRow(*row) for row in rows.values_list(*EVENT_COLUMNS)]
    return found


def read_addressed_events(user_ids: Collection[str], floor: int, *, using: str) -> list[EventRow]:
    """The events of whatever actors for these users above the id ``floor``."""
    found: list[EventRow] = []
    for part in parts_of(user_ids, IDS_A_QUERY):
        rows = Event.objects.using(using).filter(id__gt=floor, user_id__in=part)
        found += [EventRow(*row) for row in rows.values_list(*EVENT_COLUMNS)]
    return found


def topics_after(event_id: int, *, using: str) -> set[UUID]:
    """What the events above this id are about. Only where ids come in the order of the commits (SQLite)."""
    rows = Event.objects.using(using).filter(id__gt=event_id).values_list("actor_id", "user_id")
    return {topic for actor_id, user_id in rows for topic in topics_of(actor_id, [user_id])}


def read_addresses(actor_ids: Collection[UUID], *, using: str) -> dict[UUID, tuple[str, tuple[str, ...]]]:
    """``(type, key)`` by id."""
    rows = ActorInstance.objects.using(using).filter(id__in=actor_ids).values_list("id", "type", "key")
    return {actor_id: (type_name, decode_key(key)) for actor_id, type_name, key in rows}


def parts_of(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while part := list(itertools.islice(rest, size)):
        yield part
