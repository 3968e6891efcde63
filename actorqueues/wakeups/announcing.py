from __future__ import annotations

from collections.abc import Collection
from functools import partial
from uuid import UUID

from django.db import connections, transaction

from actorqueues.wakeups import local
from actorqueues.wakeups.notifying import notifier_of
from actorqueues.wakeups.transports import transport_of


def announce(topic: str, ids: Collection[UUID], *, using: str) -> None:
    """Tells whoever sleeps that there is something to see. Call it after the commit it tells of.

    Topics: ``"work"`` with actor ids, ``"done"`` with message ids, ``"events"`` with what
    ``storage.events.topics_of`` gives. Never raises: a hint that is lost costs
    the listener one poll interval.
    """
    if not ids:
        return
    local.tell(using, topic, ids)
    if transport_of(using) == "notify":
        notifier_of(using).add(topic, ids, connections[using])


def announce_after_commit(topic: str, ids: Collection[UUID], *, using: str) -> None:
    """The same as soon as the caller's transaction has committed; at once when there is none."""
    connection = connections[using]
    if connection.in_atomic_block:
        transaction.on_commit(partial(announce, topic, ids, using=using), using=using, robust=True)
    elif connection.get_autocommit():
        announce(topic, ids, using=using)
    # Under manual commit nobody tells us when that is: whoever sleeps finds it at the next poll.
