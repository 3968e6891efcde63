"""Which of several messages with one dedupe or idempotency key is the first: only that is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import connections

from actorqueues.conf import settings
from actorqueues.exceptions import IdempotencyMismatch
from actorqueues.models import Deduplication, Message, Outcome
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.outgoing import LOCK_WAIT, Outgoing, Stored

T = TypeVar("T")

CHUNK = 1000  # keys a statement
REPEAT_WINDOW = 24 * 3600.0  # seconds in which a retried delivery finds what it had sent at once
REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Claim:
    """One key that one message asks for."""

    id: UUID
    uid: UUID
    fingerprint: str  # of the body; empty: any body will do
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Owner:
    uid: UUID
    fingerprint: str


def claims_of(message: Outgoing, now: datetime) -> list[Claim]:
    claims = []
    if message.repeated:
        # With an outcome the key ends when that does (see find_owners): who then waits again, sends again.
        window = settings.REPLY_RETENTION if message.keeps_outcome else REPEAT_WINDOW
        claims.append(Claim(message.uid, message.uid, REPEAT, now + timedelta(seconds=window)))
    if message.idempotency is not None:
        until = now + timedelta(seconds=settings.REPLY_RETENTION)
        claims.append(Claim(message.idempotency, message.uid, message.fingerprint, until))
    if message.dedupe is not None:
        claims.append(Claim(message.dedupe, message.uid, "", now + timedelta(seconds=message.dedupe_window)))
    return claims


def find_owners(key_ids: Iterable[UUID], now: datetime, *, using: str) -> dict[UUID, Owner]:
    """Keys in use: within their window or (those with a fingerprint) while message or outcome is there."""
    found: dict[UUID, Owner] = {}
    lapsed: dict[UUID, Owner] = {}
    rows = Deduplication.objects.using(using).values_list("id", "message_uid", "fingerprint", "expires_at")
    for some in chunks(sorted(key_ids)):
        for key_id, uid, fingerprint, expires_at in rows.filter(id__in=some):
            if expires_at > now:
                found[key_id] = Owner(uid, fingerprint)
            elif fingerprint:
                lapsed[key_id] = Owner(uid, fingerprint)
    if lapsed:
        there = uids_in_use({owner.uid for owner in lapsed.values()}, now, using)
        found.update({key_id: owner for key_id, owner in lapsed.items() if owner.uid in there})
    return found


def uids_in_use(uids: set[UUID], now: datetime, using: str) -> set[UUID]:
    there: set[UUID] = set()
    messages, outcomes = Message.objects.using(using), Outcome.objects.using(using).filter(expires_at__gt=now)
    for some in chunks(sorted(uids)):
        there.update(messages.filter(uid__in=some).values_list("uid", flat=True))
        there.update(outcomes.filter(uid__in=some).values_list("uid", flat=True))
    return there


def take_keys(
    outgoing: Sequence[Outgoing], owners: dict[UUID, Owner], now: datetime, *, using: str
) -> list[Stored]:
    """Takes the keys of ``outgoing`` inside the caller's transaction; returns where each message goes.

    Those that are not the first are deduplicated. Waits for an equal key in another open transaction, up to
    ``LOCK_WAIT``; raises ``OperationalError`` after that, and ``IdempotencyMismatch``.
    """
    claims = [claims_of(message, now) for message in outgoing]
    connection, dialect = connections[using], dialect_for(using)
    mine: dict[UUID, UUID] = {}  # key -> the uid it was taken for
    while True:
        places, wanted = assign(outgoing, claims, owners)
        new = sorted((claim for claim in wanted.values() if claim.id not in mine), key=lambda claim: claim.id)
        if not new:
            break
        with dialect.bounded_lock_wait(connection, LOCK_WAIT):
            # In sorted order everywhere: two calls with the same keys wait for each other, never in a circle.
            won = {key for some in chunks(new) for key in dialect.take_keys(connection, rows_of(some), now)}
        mine.update({claim.id: claim.uid for claim in new if claim.id in won})
        lost = {claim.id for claim in new} - won
        owners.update(find_owners(lost, now, using=using))
    point_elsewhere(mine, dict(zip((one.uid for one in outgoing), places, strict=True)), wanted, using)
    return places


def assign(
    outgoing: Sequence[Outgoing], claims: Sequence[Sequence[Claim]], owners: Mapping[UUID, Owner]
) -> tuple[list[Stored], dict[UUID, Claim]]:
    """Who goes under which uid, in order, given the keys in use; and the keys to be taken for that."""
    places: list[Stored] = []
    wanted: dict[UUID, Claim] = {}
    for message, asked in zip(outgoing, claims, strict=True):
        first: UUID | None = None
        for claim in asked:
            owner: Owner | Claim | None = owners.get(claim.id) or wanted.get(claim.id)
            if owner is None:
                continue
            if claim.fingerprint and claim.fingerprint != owner.fingerprint:
                raise IdempotencyMismatch(queue=message.queue, id=owner.uid.hex)
            first = first or owner.uid
        if first is None:
            wanted.update((claim.id, claim) for claim in asked)
        places.append(Stored(first or message.uid, first is not None))
    return places, wanted


def point_elsewhere(
    mine: Mapping[UUID, UUID], places: Mapping[UUID, Stored], wanted: Mapping[UUID, Claim], using: str
) -> None:
    """Keys taken for a message that then turned out to be a repeat (by another key) lead to the first one."""
    rows = []
    for key_id, taken_for in mine.items():
        leads_to = wanted[key_id].uid if key_id in wanted else places[taken_for].uid
        if leads_to != taken_for:
            rows.append((key_id, leads_to))
    if rows:
        dialect_for(using).update(connections[using], Deduplication, ("id", "message_uid"), rows)


def find_first(message: Outgoing, *, using: str) -> Stored | None:
    """The message that this one would only repeat, if any. Takes nothing; raises ``IdempotencyMismatch``."""
    now = dialect_for(using).now(connections[using])
    claims = claims_of(message, now)
    places, _ = assign([message], [claims], find_owners({claim.id for claim in claims}, now, using=using))
    return places[0] if places[0].deduplicated else None


def free_keys(key_ids: Sequence[UUID], uids: Collection[UUID], *, using: str) -> None:
    """Gives back the keys that lead to messages which were taken away. In sorted order, as they are taken."""
    connection, dialect = connections[using], dialect_for(using)
    theirs = Deduplication.objects.using(using).filter(id__in=key_ids, message_uid__in=uids).order_by("id")
    dialect.delete(connection, Deduplication, list(dialect.lock_waiting(theirs.values_list("id", flat=True))))


def rows_of(claims: Sequence[Claim]) -> list[tuple[UUID, UUID, str, datetime]]:
    return [(claim.id, claim.uid, claim.fingerprint, claim.expires_at) for claim in claims]


def chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
