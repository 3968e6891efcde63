"""The end of a lease: release and destroy. Runs inside the journal's transaction, after everything else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connections
from django.db.models import F

from actorqueues.definitions.text import shortened
from actorqueues.models import (
    ActorInstance,
    ActorStatus,
    DeadLetter,
    Event,
    HistoryKind,
    Message,
    Outcome,
    Pause,
)
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.history import BY_ITSELF, NOTE_LENGTH, add_entry, forget_past
from actorqueues.storage.operations import Chain, Destroy, Release
from actorqueues.storage.outcomes import OUTCOME_COLUMNS, failed_row, kept_from

RELEASE_COLUMNS = ("id", "worker_id", "epoch", "careful", "wake_at", "active_at")
SEEN_COLUMNS = ("id", "uid", "queue", "user_id", "keeps_outcome")


def release_actors(releases: Sequence[tuple[Chain, Release]], now: datetime, using: str) -> None:
    """Frees the actors and writes when to wake them.

    In this order, as separate statements: delete the wakes we see, then look at the messages. A message
    that commits in between is either seen by the look or leaves a wake that we did not delete.
    """
    if not releases:
        return
    connection, dialect = connections[using], dialect_for(using)
    dialect.delete_wakes(connection, [chain.actor_id for chain, _ in releases])
    wake_times = next_wakes(releases, now, using)
    rows = [
        (chain.actor_id, None, chain.epoch + 1, False, wake_times.get(chain.actor_id), now)
        for chain, _ in releases
    ]
    dialect.update(connection, ActorInstance, RELEASE_COLUMNS, rows)
    for chain, release in releases:
        if release.held_reason is not None:
            hold_actor(chain.actor_id, release.held_reason, using)


def hold_actor(actor_id: UUID, reason: str, using: str) -> None:
    """Keeps it from being claimed; one that is marked to be destroyed stays so."""
    live = ActorInstance.objects.using(using).filter(id=actor_id, status=ActorStatus.LIVE)
    if live.update(status=ActorStatus.HELD, held_reason=reason):
        add_entry(actor_id, HistoryKind.HELD, note=shortened(reason, NOTE_LENGTH), using=using)


def next_wakes(releases: Sequence[tuple[Chain, Release]], now: datetime, using: str) -> dict[UUID, datetime]:
    """When each actor has something to do next: the earliest of its heads and its scheduled messages."""
    connection, dialect = connections[using], dialect_for(using)
    # Read here, after the wakes went: a resume deletes its pause before it appends wakes.
    pauses = set(Pause.objects.using(using).exclude(queue="").values_list("type", "queue"))
    wanted = [
        WantedHeads(chain.actor_id, queue, 1)
        for chain, release in releases
        for queue in release.queues
        if (release.type, queue) not in pauses
    ]
    actor_ids = [chain.actor_id for chain, _ in releases]
    times = dialect.next_scheduled(connection, actor_ids)
    for head in dialect.read_heads(connection, wanted):
        due_at = head.retry_at or now
        times[head.actor_id] = min(due_at, times.get(head.actor_id, due_at))
    marked = ActorInstance.objects.using(using).filter(id__in=actor_ids, status=ActorStatus.DESTROYING)
    return times | dict.fromkeys(marked.values_list("id", flat=True), now)


def destroy_actors(endings: Sequence[tuple[Chain, Destroy]], now: datetime, using: str) -> None:
    for chain, ending in endings:
        # Wakes first: one that commits later may stand for mail that reaches the next generation.
        dialect_for(using).delete_wakes(connections[using], [chain.actor_id])
        for model in (DeadLetter, Event):
            model._default_manager.using(using).filter(actor_id=chain.actor_id).delete()
        keep_its_end(chain.actor_id, using)
        remove_mail(chain.actor_id, ending.error, now, using)
        # The row stays: generation and epoch go on growing, or a stale worker's epoch would match again.
        ActorInstance.objects.using(using).filter(id=chain.actor_id).update(
            status=ActorStatus.DESTROYED,
            destroyed_at=now,
            generation=F("generation") + 1,
            epoch=chain.epoch + 1,
            worker_id=None,
            careful=False,
            wake_at=None,
            paused_at=None,
            active_at=None,
            initialised_at=None,
            input=None,
            state=None,
            event_number=0,
            held_reason="",
        )


def keep_its_end(actor_id: UUID, using: str) -> None:
    """Of the history only that it was destroyed stays; who has marked it has written that already."""
    forget_past(actor_id, using=using)
    if not ActorInstance.objects.using(using).filter(id=actor_id, status=ActorStatus.DESTROYING).exists():
        add_entry(actor_id, HistoryKind.DESTROYED, note=BY_ITSELF, using=using)


def remove_mail(actor_id: UUID, error: str, now: datetime, using: str) -> None:
    """Deletes the messages seen now, and only those; who waits for one of them gets ``failed``."""
    mail = Message.objects.using(using).filter(actor_id=actor_id)
    kinds = (mail.queued(), mail.scheduled())  # an index each
    seen = [row for kind in kinds for row in kind.values_list(*SEEN_COLUMNS)]
    times = kept_from(now)
    rows = [
        failed_row(uid, actor_id, queue, error, user_id, times)
        for _, uid, queue, user_id, keeps in seen
        if keeps
    ]
    dialect, connection = dialect_for(using), connections[using]
    if rows:
        dialect.insert(connection, Outcome, OUTCOME_COLUMNS, rows)
    dialect.delete(connection, Message, sorted(row[0] for row in seen))
