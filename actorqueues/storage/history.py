"""An actor's past: failures and dead letters as its journal applies them, and what operators do to it.

Each entry is written in the transaction of what it tells of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import dropwhile
from uuid import UUID

from django.db import connections
from django.db.models import Count

from actorqueues.conf import settings
from actorqueues.models import HistoryEntry, HistoryKind
from actorqueues.storage.dialects import Row, dialect_for
from actorqueues.storage.operations import Bury, Chain, Return

HISTORY_COLUMNS = (
    "actor_id", "kind", "queue", "message_uid", "attempt", "note", "user_id", "happened_at",
)  # fmt: skip
NOTE_LINES, NOTE_LENGTH = 3, 500
BY_ITSELF = "by itself"
CHUNK = 500  # entries
FIRST_LOOK = 10_000  # entries that a worker looks at when it begins


def add_entry(
    actor_id: UUID,
    kind: HistoryKind,
    *,
    user_id: str | None = None,
    queue: str = "",
    message_uid: UUID | None = None,
    note: str = "",
    using: str,
) -> None:
    """Runs in the transaction of what it tells of."""
    connection, dialect = connections[using], dialect_for(using)
    row = (actor_id, kind.value, queue, message_uid, None, note, user_id, dialect.now(connection))
    dialect.insert(connection, HistoryEntry, HISTORY_COLUMNS, [row])


def failure_rows(
    returns: Sequence[tuple[Chain, Return]], burials: Sequence[tuple[Chain, Bury]], now: datetime
) -> Iterator[Row]:
    """What went wrong, as rows of ``HISTORY_COLUMNS``."""
    for chain, back in returns:
        head = back.head
        if back.cause == "uncounted":
            continue
        crashed = back.cause == "crashed"
        kind, note = (HistoryKind.CRASHED, "") if crashed else (HistoryKind.FAILED, gist(head.error or ""))
        attempt = head.failures + head.crashes
        yield (chain.actor_id, kind.value, head.queue, head.uid, attempt, note, None, now)
    for chain, bury in burials:
        attempt, note = bury.failures + bury.crashes, f"{bury.reason}: {gist(bury.error)}"
        head, dead = bury.head, HistoryKind.DEAD.value
        yield (chain.actor_id, dead, head.queue, head.uid, attempt or None, note, None, now)


def gist(error: str) -> str:
    """What an error says; of a traceback only the exception at its end, not the way there."""
    lines = error.strip().splitlines()
    if lines and lines[0].startswith("Traceback"):
        # From the last frame on: an exception's own text may be indented too, as that of a validation is.
        frames = [place for place, line in enumerate(lines) if line.startswith("  File ")]
        after = lines[frames[-1] + 1 :] if frames else []
        lines = list(dropwhile(lambda line: line.startswith(" "), after)) or lines
    return "\n".join(lines[:NOTE_LINES])[:NOTE_LENGTH]


def how_many(messages: int) -> str:
    """As a note tells it of what is done to several at once."""
    return f"{messages} message{'' if messages == 1 else 's'}"


def forget_past(actor_id: UUID, *, using: str) -> None:
    """Of a destroyed actor only that it was destroyed stays: errors and notes may quote what it held."""
    HistoryEntry.objects.using(using).filter(actor_id=actor_id).exclude(kind=HistoryKind.DESTROYED).delete()


def last_look(*, using: str) -> int:
    """Where a worker begins to trim: the id of an entry that is not long ago."""
    latest = HistoryEntry.objects.using(using).order_by("-id").values_list("id", flat=True).first()
    return max(0, (latest or 0) - FIRST_LOOK)


def trim_histories(after: int, *, using: str) -> int:
    """Lets go of what actors have above ``HISTORY_LIMIT``: those that got some of the next entries ``after`` this id.

    Returns the id to go on after; the same one when there were none. An entry that commits later under a lower id is
    passed over: its actor's next one leads here again. Two workers may do the same work; it is done once.
    """
    entries = HistoryEntry.objects.using(using)
    fresh = list(entries.filter(id__gt=after).order_by("id").values_list("id", "actor_id")[:CHUNK])
    counted = entries.filter(actor_id__in={actor_id for _, actor_id in fresh}).values("actor_id")
    full = counted.annotate(number=Count("id")).filter(number__gt=settings.HISTORY_LIMIT).order_by()
    for actor_id in list(full.values_list("actor_id", flat=True)):
        trim_history(actor_id, using)
    return fresh[-1][0] if fresh else after


def trim_history(actor_id: UUID, using: str) -> None:
    mine = HistoryEntry.objects.using(using).of(actor_id)

    def work() -> None:
        first = mine.values_list("id", flat=True)[settings.HISTORY_LIMIT - 1 :][:1]
        for oldest_kept in first:
            HistoryEntry.objects.using(using).filter(actor_id=actor_id, id__lt=oldest_kept).delete()

    dialect_for(using).transaction(work, connections[using])
