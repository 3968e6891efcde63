"""What a page shows, in short: a page has to be drawn anew when this looks different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol
from uuid import UUID

from django.db import connections
from django.db.models import Model, Sum
from django.db.models.functions import MD5

from actorqueues.definitions.keys import decode_key
from actorqueues.diagnosis.mailboxes import known_queues
from actorqueues.diagnosis.workers import live
from actorqueues.events.feeds import ActorTopic
from actorqueues.models import (
    ActorInstance,
    DeadLetter,
    HistoryEntry,
    Journal,
    Message,
    Pause,
    Statistic,
    Worker,
)
from actorqueues.storage.dialects import WantedHeads, dialect_for

SHOWN = 20  # messages of a queue that are compared
COUNTED = 1000  # messages, or dead letters; more of them all look the same
OF_AN_ACTOR = (
    "generation", "status", "epoch", "worker_id", "wake_at", "paused_at", "event_number", "state_hash",
)  # fmt: skip


class Seen(NamedTuple):
    """``topic``: whose events tell of changes that come between two looks; None until there is such an actor."""

    fingerprint: Sequence[Any]
    topic: ActorTopic | None = None


class Thing(Protocol):
    """What can be watched. Equal things are looked at once for all who watch them."""

    permission: ClassVar[str]
    every: ClassVar[float]
    """Seconds between two looks."""

    def look(self, using: str) -> Seen:
        """Some small queries, at a cost that does not grow with the tables."""


@dataclass(frozen=True)
class Overview:
    permission: ClassVar[str] = "actorqueues.view_overview"
    every: ClassVar[float] = 2.0

    def look(self, using: str) -> Seen:
        alive = {worker.id for worker in live(using)}
        workers = Worker.objects.using(using).order_by("id").values_list("id", "busy", "resident")
        return Seen((
            newest_id(Message, using),
            # Every commit of a worker counts on: whatever was settled, started or failed is in one.
            Journal.objects.using(using).aggregate(commits=Sum("sequence"))["commits"],
            newest_id(HistoryEntry, using),
            newest_id(Statistic, using),
            list(Pause.objects.using(using).order_by("id").values_list("id", "type", "queue")),
            [(*worker, worker[0] in alive) for worker in workers],
        ))  # fmt: skip


@dataclass(frozen=True)
class OneActor:
    actor_id: UUID

    permission: ClassVar[str] = "actorqueues.view_actorinstance"
    every: ClassVar[float] = 0.5

    def look(self, using: str) -> Seen:
        actors = ActorInstance.objects.using(using).filter(id=self.actor_id)
        row = actors.annotate(state_hash=MD5("state")).values_list("type", "key", *OF_AN_ACTOR).first()
        type_name, key, *_ = row or ("", "")
        dialect, connection = dialect_for(using), connections[using]
        wanted = [WantedHeads(self.actor_id, queue, SHOWN) for queue in known_queues(type_name)]
        scheduled = Message.objects.using(using).scheduled().filter(actor_id=self.actor_id)
        letters = DeadLetter.objects.using(using).filter(actor_id=self.actor_id).order_by()
        fingerprint = (
            row,
            dialect.read_marks(connection, wanted),
            dialect.mailbox_depths(connection, [self.actor_id], COUNTED),
            list(scheduled.order_by("scheduled_at", "id").values_list("id", flat=True)[:SHOWN]),
            HistoryEntry.objects.using(using).of(self.actor_id).values_list("id", flat=True).first(),
            letters[:COUNTED].count(),
            sorted(Pause.objects.using(using).filter(type=type_name).values_list("queue", flat=True)),
        )
        return Seen(fingerprint, ActorTopic(self.actor_id, type_name, decode_key(key)) if row else None)


def newest_id(model: type[Model], using: str) -> Any:
    return model._default_manager.using(using).order_by("-id").values_list("id", flat=True).first()


def thing_named(name: str) -> Thing | None:
    """``overview``, or ``actor:`` and an actor's id in hex digits."""
    if name == "overview":
        return Overview()
    kind, _, digits = name.partition(":")
    try:
        return OneActor(UUID(hex=digits)) if kind == "actor" else None
    except ValueError:
        return None
