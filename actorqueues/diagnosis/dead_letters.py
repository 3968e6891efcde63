"""Which dead letters there are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from actorqueues.access.redacting import redacted
from actorqueues.definitions.keys import actor_id_for
from actorqueues.definitions.redaction import Kind
from actorqueues.diagnosis.unclaimed import LARGE
from actorqueues.models import DeadLetter

LARGE_OF_ACTOR = [f"actor__{name}" for name in LARGE]


@dataclass(frozen=True)
class DeadLetterFilter:
    """What is looked for. ``key`` is a stored key, and needs ``type``."""

    uids: tuple[UUID, ...] = ()
    type: str | None = None
    key: str | None = None
    queue: str | None = None
    reason: str | None = None
    since: datetime | None = None

    def select(self, using: str) -> QuerySet[DeadLetter]:
        letters = DeadLetter.objects.using(using)
        if self.uids:
            letters = letters.filter(uid__in=self.uids)
        if self.type is not None and self.key is not None:
            letters = letters.filter(actor_id=actor_id_for(self.type, self.key))
        elif self.type is not None:
            letters = letters.filter(actor__type=self.type)
        if self.since is not None:
            letters = letters.filter(died_at__gte=self.since)
        exact = {"queue": self.queue, "reason": self.reason}
        return letters.filter(**{name: value for name, value in exact.items() if value is not None})


def newest_dead_letters(wanted: DeadLetterFilter, limit: int, using: str) -> list[DeadLetter]:
    """With their actors, and without what may be secret: bodies, headers, params."""
    letters = wanted.select(using).select_related("actor").defer("body", "meta", *LARGE_OF_ACTOR)
    return list(letters.order_by("-died_at", "-sequence")[:limit])


def one_dead_letter(uid: UUID, using: str) -> DeadLetter | None:
    return DeadLetter.objects.using(using).select_related("actor").filter(uid=uid).first()


def headline(error: str | None) -> str:
    """The line that says what happened: of a traceback the last one that is not indented."""
    lines = [line for line in (error or "").splitlines() if line.strip()]
    if lines and lines[0].startswith("Traceback"):
        lines = [line for line in lines if not line[0].isspace()][1:] or lines
        return lines[-1]
    return lines[0] if lines else ""


def summary(letter: DeadLetter) -> dict[str, Any]:
    """What may be shown in a list."""
    return {
        "id": letter.uid.hex,
        "type": letter.actor.type,
        "key": letter.actor.key,
        "queue": letter.queue,
        "reason": letter.reason,
        "attempts": letter.failures + letter.crashes,
        "died_at": letter.died_at.isoformat(),
        "error": headline(letter.error),
    }


def whole(letter: DeadLetter, *, unredacted: bool = False) -> dict[str, Any]:
    """Everything that is kept of it, as its actor's class lets people see it."""

    def shown(kind: Kind, value: Any) -> Any:
        return value if unredacted else redacted(letter.actor.type, kind, letter.queue, value)

    meta = json.loads(letter.meta) if letter.meta else {}
    return {
        **summary(letter),
        "failures": letter.failures,
        "crashes": letter.crashes,
        "enqueued_at": letter.enqueued_at.isoformat(),
        "user": letter.user_id,
        "headers": shown("headers", meta.get("headers", {})),
        "params": shown("params", meta.get("params", {})),
        "body": None if letter.body is None else shown("body", json.loads(letter.body)),
        "error": letter.error,
    }
