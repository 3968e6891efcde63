"""Mail that nobody's code here knows: it stays stored, and is reported."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from actorqueues.models import Message, Wake


def unknown_types(known: Collection[str], *, using: str) -> list[str]:
    """Actor types that have wakes and are none of these. One index probe a type, however many wakes it has."""
    wakes = Wake.objects.using(using).order_by("type").values_list("type", flat=True)
    found: list[str] = []
    name: str | None = ""
    while (name := wakes.filter(type__gt=name).first()) is not None:
        if name not in known:
            found.append(name)
    return found


def unknown_queues(known: Mapping[UUID, Collection[str]], *, using: str) -> set[tuple[UUID, str]]:
    """Queues of these actors that hold messages and are none of theirs. One index probe a queue."""
    queued = Message.objects.using(using).queued().order_by("queue").values_list("queue", flat=True)
    found = set()
    for actor_id, names in known.items():
        mail = queued.filter(actor_id=actor_id)
        name = mail.first()
        while name is not None:
            if name not in names:
                found.add((actor_id, name))
            name = mail.filter(queue__gt=name).first()
    return found
