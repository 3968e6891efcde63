"""A message enters the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.exceptions import ActorNotFound
from actorqueues.storage.actors import WakeRow, insert_actors, present_actors
from actorqueues.storage.deduplication import Owner, claims_of, find_owners, take_keys
from actorqueues.storage.dialects import Dialect, dialect_for
from actorqueues.storage.outgoing import Outgoing, Stored

__all__ = ["Outgoing", "Progress", "Stored", "store_messages"]

CHUNK = 1000  # messages a statement

MESSAGE_COLUMNS = (
    "uid", "actor_id", "queue", "body", "user_id", "meta", "keeps_outcome",
    "expires_at", "scheduled_at", "failures", "crashes",
)  # fmt: skip

Progress = Callable[[int], Any]

observer: Callable[[Sequence[Outgoing], Sequence[Stored], str], None] | None = None
"""Set by ``actorqueues.testing``: is told of everything that is stored, in the transaction that stores it."""


def store_messages(
    outgoing: Sequence[Outgoing], *, using: str, progress: Progress | None = None
) -> list[Stored]:
    """Stores messages in their order, each with a wake for its actor; says under which id each is now.

    Durable when it returns, or with the caller's transaction where there is one. One plain message alone
    is one statement; many are one transaction with a statement for each thousand, and ``progress(stored
    so far)`` is called after each.
    Raises ``ActorNotFound`` (for a message that requires its actor), ``IdempotencyMismatch``, and
    ``OperationalError`` when an equal dedupe key stays locked in another transaction; nothing is stored then.
    """
    if not outgoing:
        return []
    stored = store_in_order(outgoing, using, progress)
    if observer is not None:
        observer(outgoing, stored, using)
    return stored


def store_in_order(outgoing: Sequence[Outgoing], using: str, progress: Progress | None) -> list[Stored]:
    connection, dialect = connections[using], dialect_for(using)
    now = dialect.now(connection) if any(map(needs_clock, outgoing)) else None
    if len(outgoing) == 1 and is_plain(outgoing[0]):
        return [store_one(outgoing[0], now, connection, dialect)]
    if (
        len(outgoing) <= CHUNK
        and all(map(is_plain, outgoing))
        and not any(one.requires_actor for one in outgoing)
    ):
        insert_in_chunks(outgoing, now, connection, dialect, progress)
        return [Stored(one.uid, False) for one in outgoing]
    return store_in_transaction(outgoing, now, connection, dialect, progress)


def store_one(
    one: Outgoing, now: datetime | None, connection: BaseDatabaseWrapper, dialect: Dialect
) -> Stored:
    if not one.requires_actor:
        dialect.insert_sends(connection, MESSAGE_COLUMNS, [row_of(one, now)], [wake_of(one)])
    elif not dialect.insert_send_if_present(
        connection, MESSAGE_COLUMNS, row_of(one, now), wake_of(one), one.generation
    ):
        raise actor_not_found(one)
    return Stored(one.uid, False)


def store_in_transaction(
    outgoing: Sequence[Outgoing],
    now: datetime | None,
    connection: BaseDatabaseWrapper,
    dialect: Dialect,
    progress: Progress | None,
) -> list[Stored]:
    using = connection.alias
    keyed = [one for one in outgoing if one.has_keys]
    owners: dict[UUID, Owner] = {}
    if now is not None and keyed:
        # A plain look first: a repeat then takes no lock, and neither waits nor writes.
        owners = find_owners({claim.id for one in keyed for claim in claims_of(one, now)}, now, using=using)

    def work() -> list[Stored]:
        places = {one.uid: Stored(one.uid, False) for one in outgoing}
        if now is not None and keyed:
            taken = take_keys(keyed, dict(owners), now, using=using)
            places.update(zip((one.uid for one in keyed), taken, strict=True))
        new = [one for one in outgoing if not places[one.uid].deduplicated]
        refuse_absent_actors(new, using)
        insert_actors([one for one in new if one.input is not None], using=using)
        insert_in_chunks(new, now, connection, dialect, progress)
        return [places[one.uid] for one in outgoing]

    return dialect.transaction(work, connection)


def insert_in_chunks(
    outgoing: Sequence[Outgoing],
    now: datetime | None,
    connection: BaseDatabaseWrapper,
    dialect: Dialect,
    progress: Progress | None,
) -> None:
    for start in range(0, len(outgoing), CHUNK):
        some = outgoing[start : start + CHUNK]
        wakes = {
            one.actor_id: wake_of(one) for one in some
        }  # they commit together: one for each actor will do
        dialect.insert_sends(
            connection, MESSAGE_COLUMNS, [row_of(one, now) for one in some], list(wakes.values())
        )
        if progress is not None:
            progress(start + len(some))


def refuse_absent_actors(outgoing: Sequence[Outgoing], using: str) -> None:
    wanted = [one for one in outgoing if one.requires_actor]
    if wanted:
        generations = present_actors({one.actor_id for one in wanted}, using=using)
        for one in wanted:
            if one.actor_id not in generations or one.generation not in (None, generations[one.actor_id]):
                raise actor_not_found(one)


def actor_not_found(one: Outgoing) -> ActorNotFound:
    return ActorNotFound(actor=f"{one.actor_type}/{one.actor_key}")


def is_plain(one: Outgoing) -> bool:
    return one.dedupe is None and one.idempotency is None and one.input is None and not one.repeated


def needs_clock(one: Outgoing) -> bool:
    return one.delay is not None or one.expires_in is not None or one.has_keys


def row_of(one: Outgoing, now: datetime | None) -> tuple[Any, ...]:
    """In the order of ``MESSAGE_COLUMNS``."""
    return (
        one.uid, one.actor_id, one.queue, one.body, one.user_id, one.meta, one.keeps_outcome,
        later(now, one.expires_in, one.expires_at), later(now, one.delay, one.scheduled_at), 0, 0,
    )  # fmt: skip


def later(now: datetime | None, seconds: float | None, moment: datetime | None) -> datetime | None:
    return moment if seconds is None or now is None else now + timedelta(seconds=seconds)


def wake_of(one: Outgoing) -> WakeRow:
    return (one.actor_type, one.actor_id, one.actor_key)
