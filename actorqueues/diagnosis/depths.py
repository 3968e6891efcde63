"""How many messages wait, by actor type and queue: exact where they are few, else from a sample."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import connections

from actorqueues.diagnosis.names import stored_types
from actorqueues.models import Wake
from actorqueues.storage.dialects import dialect_for

SAMPLED = 5_000  # messages
UNKNOWN = "?"  # the type of an actor that has mail, and neither a row nor a wake


@dataclass(frozen=True)
class QueueDepth:
    """In one queue of all actors of a type. ``is_estimate``: good to a few per cent of all messages."""

    actor_type: str
    queue: str
    waiting: int
    scheduled: int
    is_estimate: bool


def queue_depths(using: str) -> list[QueueDepth]:
    """By type and queue. Its cost does not grow with the messages."""
    woken = stored_types(Wake, using)
    sample = dialect_for(using).sample_mail(connections[using], SAMPLED, woken)
    counts: dict[tuple[str, str], Counter[bool]] = {}
    for row in sample.found:
        place = (row.actor_type or UNKNOWN, row.queue)
        counts.setdefault(place, Counter())[row.is_scheduled] += row.messages
    return [
        QueueDepth(
            *place,
            waiting=rounded(count[False] * sample.factor),
            scheduled=rounded(count[True] * sample.factor),
            is_estimate=sample.factor > 1,
        )
        for place, count in sorted(counts.items())
    ]


def rounded(number: float) -> int:
    """To two digits: more of an estimate would pretend."""
    whole = round(number)
    if number == whole or whole < 100:
        return whole
    step: int = 10 ** (len(str(whole)) - 2)
    return round(whole / step) * step
