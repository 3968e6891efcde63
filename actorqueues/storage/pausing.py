"""Pausing: mail is still stored, but not handled until it is resumed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connections
from django.db.models import Exists, OuterRef

from actorqueues.models import ActorInstance, ActorStatus, HistoryKind, Message, Pause
from actorqueues.storage.actors import WakeRow, append_wakes, insert_rows
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.history import add_entry

CHUNK = 1000


def pause_actor(actor_id: UUID, type_name: str, key: str, *, user_id: str | None = None, using: str) -> None:
    """Pauses one actor; makes its row when there is none. What is in flight gets the grace period of its worker."""
    connection, dialect = connections[using], dialect_for(using)

    def work() -> None:
        mine = ActorInstance.objects.using(using).filter(id=actor_id)
        now = dialect.now(connection)
        if not mine.update(paused_at=now):
            insert_rows([ActorInstance(id=actor_id, type=type_name, key=key)], using)
            mine.update(paused_at=now)
        append_wakes([(type_name, actor_id, key)], using=using)  # the doorbell, for whoever holds it
        add_entry(actor_id, HistoryKind.PAUSED, user_id=user_id, using=using)

    dialect.transaction(work, connection)


def resume_actor(actor_id: UUID, type_name: str, key: str, *, user_id: str | None = None, using: str) -> None:
    """Ends the pause of one actor, and lets one go on that was held. Nothing happens otherwise."""
    connection = connections[using]

    def work() -> None:
        mine = ActorInstance.objects.using(using).filter(id=actor_id)
        resumed = mine.filter(paused_at__isnull=False).update(paused_at=None)
        resumed += mine.filter(status=ActorStatus.HELD).update(status=ActorStatus.LIVE, held_reason="")
        if resumed:
            append_wakes([(type_name, actor_id, key)], using=using)
            add_entry(actor_id, HistoryKind.RESUMED, user_id=user_id, using=using)

    dialect_for(using).transaction(work, connection)


def pause_type(type_name: str, queue: str = "", *, using: str) -> None:
    """Pauses all actors of a type, or (with ``queue``) that queue of all of them."""
    now = dialect_for(using).now(connections[using])
    pause = Pause(type=type_name, queue=queue, paused_at=now)
    Pause.objects.using(using).bulk_create([pause], ignore_conflicts=True)


def resume_type(type_name: str, queue: str = "", *, using: str) -> None:
    """Ends such a pause, and asks for a look at every actor of the type that has mail, some at a time.

    After a crash half-way call it again: it does not ask whether there is a pause.
    """
    Pause.objects.using(using).filter(type=type_name, queue=queue).delete()
    actors = ActorInstance.objects.using(using).filter(type=type_name).order_by("key")
    page = list(actors.values_list("key", "id")[:CHUNK])
    # Actors that have no row yet still have the wakes that their messages came with.
    while page:
        append_wakes(with_mail([actor_id for _, actor_id in page], queue, using), using=using)
        page = list(actors.filter(key__gt=page[-1][0]).values_list("key", "id")[:CHUNK])


def with_mail(actor_ids: Sequence[UUID], queue: str, using: str) -> list[WakeRow]:
    """Those of some actors that have messages in the queue (in any, if it is empty).

    Asked of each actor: its messages may be a million. Scheduled ones stand in ``wake_at`` all the time.
    """
    mail = Message.objects.using(using).queued().filter(actor_id=OuterRef("id"))
    waiting = Exists(mail.filter(queue=queue) if queue else mail)
    actors = ActorInstance.objects.using(using).filter(waiting, id__in=actor_ids)
    return list(actors.values_list("type", "id", "key"))


def read_pauses(*, using: str) -> set[tuple[str, str]]:
    """Paused ``(type, queue)``; an empty queue stands for the whole type."""
    return set(Pause.objects.using(using).values_list("type", "queue"))
