"""Where actors stand: how deep their mailboxes are, and what is at the head of them. One query each for many actors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, ActorStatus
from actorqueues.models.actor import ActorQuerySet
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.dialects.surveys import Mark
from actorqueues.storage.pausing import read_pauses

DEPTH_LIMIT = 1_000  # messages; counting on would cost more than the number is worth
MOST_ACTORS = 5_000  # whose heads are looked at, of each kind


class Condition(TextChoices):
    """What is to be seen of an actor, the first that fits."""

    DESTROYED = "destroyed", _("destroyed")
    DESTROYING = "destroying", _("being destroyed")
    STALE = "stale", _("stale code")
    AWAKE = "awake", _("awake")
    PAUSED = "paused", _("paused")
    BACKING_OFF = "backing-off", _("backing off")
    ASLEEP = "asleep", _("asleep")


@dataclass(frozen=True)
class Standing:
    """``depth`` is counted up to ``DEPTH_LIMIT``; ``heads`` are the first messages of its queues."""

    condition: Condition
    depth: int
    heads: Sequence[Mark] = ()


def known_queues(type_name: str) -> list[str]:
    """In this process's code; none for a type without code."""
    found = registry.find(type_name)
    return [] if found is None else list(found.definition.queues)


def heads_of(actors: Iterable[tuple[str, UUID]], using: str, limit: int = 1) -> dict[UUID, list[Mark]]:
    """The first messages of each queue that the code knows of these ``(type, id)``."""
    wanted = [
        WantedHeads(actor_id, queue, limit)
        for type_name, actor_id in actors
        for queue in known_queues(type_name)
    ]
    found: dict[UUID, list[Mark]] = {}
    for mark in dialect_for(using).read_marks(connections[using], wanted):
        found.setdefault(mark.actor_id, []).append(mark)
    return found


def standings(actors: Sequence[ActorInstance], using: str) -> dict[UUID, Standing]:
    """Of a page of actors: four queries, however many they are."""
    ids = [actor.id for actor in actors]
    depths = dialect_for(using).mailbox_depths(connections[using], ids, DEPTH_LIMIT + 1)
    heads = heads_of([(actor.type, actor.id) for actor in actors], using)
    now, pauses = now_of(using), read_pauses(using=using)
    return {
        actor.id: Standing(
            condition_of(actor, heads.get(actor.id, ()), pauses, now),
            depths.get(actor.id, 0),
            heads.get(actor.id, ()),
        )
        for actor in actors
    }


def condition_of(
    actor: ActorInstance, heads: Sequence[Mark], pauses: set[tuple[str, str]], now: datetime
) -> Condition:
    if actor.status in (ActorStatus.DESTROYED, ActorStatus.DESTROYING):
        return Condition(actor.status)
    if actor.status == ActorStatus.HELD or registry.find(actor.type) is None:
        return Condition.STALE
    if actor.worker_id is not None:
        return Condition.AWAKE
    if actor.paused_at is not None or (actor.type, "") in pauses:
        return Condition.PAUSED
    if any(head.retry_at is not None and head.retry_at > now for head in heads):
        return Condition.BACKING_OFF
    return Condition.ASLEEP


def in_condition(actors: ActorQuerySet, condition: str, using: str) -> QuerySet[ActorInstance]:
    """Those of the actors, found by an index; ``BACKING_OFF`` among the ``MOST_ACTORS`` that wake first."""
    match condition:
        case Condition.DESTROYED | Condition.DESTROYING:
            return actors.filter(status=condition)
        case Condition.STALE:
            known = [actor.type_name for actor in registry.all()]
            return actors.filter(status=ActorStatus.HELD) | actors.present().exclude(type__in=known)
        case Condition.AWAKE:
            return actors.awake()
        case Condition.PAUSED:
            paused = [name for name, queue in read_pauses(using=using) if not queue]
            resting = actors.present().filter(worker_id__isnull=True)
            return resting.filter(paused_at__isnull=False) | resting.filter(type__in=paused)
        case Condition.BACKING_OFF:
            return actors.filter(id__in=backing_off(using))
        case _:
            return actors.filter(worker_id__isnull=True, paused_at__isnull=True, status=ActorStatus.LIVE)


def backing_off(using: str) -> list[UUID]:
    """Sleeping actors whose head waits for its next attempt: ``wake_at`` leads to them."""
    now = now_of(using)
    sleeping = ActorInstance.objects.using(using).filter(wake_at__gt=now, paused_at__isnull=True)
    soonest = list(sleeping.order_by("wake_at").values_list("type", "id")[:MOST_ACTORS])
    return [actor_id for actor_id, heads in heads_of(soonest, using).items() if waits(heads, now)]


def waits(heads: Iterable[Mark], now: datetime) -> bool:
    return any(head.retry_at is not None and head.retry_at > now for head in heads)
