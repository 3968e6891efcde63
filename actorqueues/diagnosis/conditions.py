"""What is to be seen of an actor. The badge of one and the lists of all that have it go by the same rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connections
from django.db.models import BooleanField, Q, QuerySet, TextChoices
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.mailboxes import MOST_PLACES, Part, heads_of, part_of, with_code
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, ActorStatus
from actorqueues.models.actor import ActorQuerySet
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.dialects.surveys import Mark
from actorqueues.storage.pausing import read_pauses

DEPTH_LIMIT = 1_000  # messages; counting on would cost more than the number is worth


class Condition(TextChoices):
    """The first that fits."""

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


# One actor


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
    if actor.wake_at is not None and actor.wake_at > now and waits(heads, now):
        return Condition.BACKING_OFF
    return Condition.ASLEEP


def waits(heads: Iterable[Mark], now: datetime) -> bool:
    """For the next attempt of a message that holds up its queue."""
    return any(head.retry_at is not None and head.retry_at > now for head in heads)


# All that have it


@dataclass(frozen=True)
class Selection:
    """``looked_at``: how many sleeping actors, where there are more of them; None where nothing was left out."""

    actors: QuerySet[ActorInstance]
    looked_at: int | None = None


def in_condition(actors: ActorQuerySet, condition: str, using: str) -> Selection:
    """Those of the actors. Only heads tell who backs off: it is asked of those that wake first."""
    running = with_code(actors.filter(status=ActorStatus.LIVE))
    resting = running.filter(worker_id__isnull=True)
    paused = Q(paused_at__isnull=False) | Q(type__in=paused_types(using))
    match condition:
        case Condition.DESTROYED | Condition.DESTROYING:
            return Selection(actors.filter(status=condition))
        case Condition.STALE:
            known = [actor.type_name for actor in registry.all()]
            return Selection(actors.present().filter(Q(status=ActorStatus.HELD) | ~Q(type__in=known)))
        case Condition.AWAKE:
            return Selection(running.filter(worker_id__isnull=False))
        case Condition.PAUSED:
            return Selection(resting.filter(paused))
        case Condition.BACKING_OFF | Condition.ASLEEP:
            return asleep(resting.exclude(paused), condition == Condition.BACKING_OFF, using)
        case _:
            return Selection(actors.none())


def paused_types(using: str) -> list[str]:
    return [name for name, queue in read_pauses(using=using) if not queue]


def asleep(resting: QuerySet[ActorInstance], backing_off: bool, using: str) -> Selection:
    """Of those that wake too late to be looked at nobody knows which they are: they are in neither list."""
    now = now_of(using)
    part = part_of(resting.filter(wake_at__gt=now).order_by("wake_at"), MOST_PLACES)
    backs_off = among(waiting(part, using, now))
    looked_at = None if part.is_all else len(part.actors)
    if backing_off:
        return Selection(resting.filter(backs_off), looked_at)
    known = Q() if part.until is None else Q(wake_at__lt=part.until)
    return Selection(resting.filter(~Q(wake_at__gt=now) | known & ~backs_off), looked_at)


def waiting(part: Part, using: str, now: datetime) -> list[UUID]:
    return [actor_id for actor_id, heads in heads_of(part.actors, using).items() if waits(heads, now)]


def among(ids: Sequence[UUID]) -> Q:
    """Written out: to pass thousands of parameters takes longer than to find the rows."""
    if not ids:
        return Q(pk__in=[])
    written = ",".join(f"'{actor_id.hex}'" for actor_id in ids)
    return Q(RawSQL(f"actorqueues_actor.id IN ({written})", (), BooleanField()))
