"""An actor's state is changed by a person, while nobody works with it."""

from __future__ import annotations

from enum import Enum
from uuid import UUID

from django.db import connections

from actorqueues.models import ActorInstance, HistoryKind
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.history import add_entry


class Edit(Enum):
    DONE = "done"
    AWAKE = "awake"  # a worker has the actor, and its state in memory
    CHANGED = "changed"  # somebody was faster: what was edited is no longer what is stored
    GONE = "gone"


def edit_state(actor_id: UUID, state: str, *, epoch: int, user_id: str | None = None, using: str) -> Edit:
    """Stores ``state`` (JSON, checked by the caller) in place of the one that was read at this ``epoch``.

    One that has not had its first message has no state yet: ``CHANGED``. An actor that is held because its
    state did not load stays so until it is resumed. Durable when it returns,
    or with the caller's transaction.
    """
    connection, dialect = connections[using], dialect_for(using)

    def work() -> Edit:
        # Waits for a claim or release that is under way, and keeps the next claim out: either the holder is
        # seen here, or whoever claims after our commit reads the new state. The epoch refuses what a holder
        # whose lease was lost still has in its journal.
        mine = ActorInstance.objects.using(using).filter(id=actor_id)
        actor = dialect.lock_waiting(
            mine.present().only("id", "worker_id", "epoch", "initialised_at")
        ).first()
        if actor is None:
            return Edit.GONE
        if actor.worker_id is not None:
            return Edit.AWAKE
        if actor.epoch != epoch or actor.initialised_at is None:
            return Edit.CHANGED
        mine.update(state=state, epoch=epoch + 1)
        add_entry(actor_id, HistoryKind.EDITED, user_id=user_id, using=using)
        return Edit.DONE

    return dialect.transaction(work, connection)
