"""What is read on SQLite, often: many rows as one text, each a call that lets go of the interpreter once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DataError
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues import clock
from actorqueues.storage.dialects.base import (
    EVENT_COLUMNS,
    HEAD_COLUMNS,
    EventRow,
    Head,
    Standing,
    WantedHeads,
)
from actorqueues.storage.dialects.sqlite_batches import SQLiteBatches, as_json, reading

CHUNK = 20  # queues in one statement

# An expression has no declared type: Django's converters, which go by that, would cost more than the read.
UNCONVERTED = ", ".join(f"+{name}" for name in HEAD_COLUMNS)
OF_ONE_QUEUE = """
FROM actorqueues_message WHERE actor_id = {actor} AND queue = {queue} AND scheduled_at IS NULL ORDER BY id LIMIT {limit}
"""
HEADS = f"SELECT {UNCONVERTED} {OF_ONE_QUEUE.format(actor='?', queue='?', limit='?')}"
MANY_HEADS = f"""
SELECT json_group_array(json((
    SELECT json_group_array(json_array({", ".join(HEAD_COLUMNS)})) FROM (SELECT * {
    OF_ONE_QUEUE.format(
        actor="json_extract(w.value, '$[0]')", queue="json_extract(w.value, '$[1]')", limit="?2"
    )
})
))) FROM json_each(?1) w
"""

FIRST_SCHEDULED = """
SELECT scheduled_at FROM actorqueues_message
WHERE actor_id = {actor} AND scheduled_at IS NOT NULL ORDER BY scheduled_at LIMIT 1
"""
STANDING = f"""
SELECT json_group_array(json_array(a.id, a.epoch, a.paused_at IS NOT NULL, a.status,
    ({FIRST_SCHEDULED.format(actor="a.id")})
)) FROM actorqueues_actor a WHERE a.id IN (SELECT value FROM json_each(?))
"""
NEXT_SCHEDULED = f"""
SELECT json_group_object(w.value, ({FIRST_SCHEDULED.format(actor="w.value")})) FROM json_each(?) w
"""
EVENT = ", ".join(f"t.{column}" for column in EVENT_COLUMNS)
# Two halves, each with its index: an OR of them walks all that the actor has.
NEW_EVENTS = f"""
SELECT {EVENT} FROM json_each(?1) w CROSS JOIN actorqueues_event t
WHERE t.actor_id = json_extract(w.value, '$[0]') AND t.number > json_extract(w.value, '$[1]')
UNION ALL
SELECT {EVENT} FROM json_each(?1) w CROSS JOIN actorqueues_event t
WHERE t.actor_id = json_extract(w.value, '$[0]') AND t.id > ?2 AND t.number IS NULL
"""
NEXT_WAKE = "SELECT min(actor_id) FROM actorqueues_wake WHERE type = ? AND actor_id > ?"


def moment(text: str | None) -> datetime | None:
    """Times are stored in UTC, and do not say so."""
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def uuid_of(text: Any) -> Any:
    return None if text is None else UUID(hex=text)


def head_of(actor_id: UUID, row: Sequence[Any]) -> Head:
    (_, queue, id_, uid, body, user_id, meta, keeps, enqueued, expires, started, retry, *counts) = row
    times = (moment(enqueued), moment(expires), moment(started), moment(retry))
    # mypy cannot count what a star brings
    return Head(actor_id, queue, id_, UUID(hex=uid), body, user_id, meta, bool(keeps), *times, *counts)  # type: ignore[arg-type]


def as_hex(actor_ids: Sequence[UUID]) -> str:
    return as_json([actor_id.hex for actor_id in actor_ids])


class SQLiteReads(SQLiteBatches):
    def now(self, connection: BaseDatabaseWrapper) -> datetime:
        return datetime.now(UTC) + clock.offset

    def read_heads(self, connection: BaseDatabaseWrapper, wanted: Sequence[WantedHeads]) -> list[Head]:
        # A statement reads all of its queues equally far.
        ordered = sorted(wanted, key=lambda want: want.limit)
        found: dict[tuple[str, str], list[Sequence[Any]]] = {}
        for start in range(0, len(ordered), CHUNK):
            for rows in self._read_chunk(connection, ordered[start : start + CHUNK]):
                found.update({(row[0], row[1]): rows for row in rows[:1]})
        return [
            head_of(want.actor_id, row)
            for want in wanted
            for row in found.get((want.actor_id.hex, want.queue), ())[: want.limit]
        ]

    def new_events(
        self, connection: BaseDatabaseWrapper, after: Sequence[tuple[UUID, int]], floor: int
    ) -> list[EventRow]:
        wanted = json.dumps([(actor_id.hex, number) for actor_id, number in after])
        with reading(connection) as raw:
            rows = [EventRow(*row) for row in raw.execute(NEW_EVENTS, (wanted, floor))]
        return [
            row._replace(actor_id=uuid_of(row.actor_id), message_uid=uuid_of(row.message_uid)) for row in rows
        ]

    @staticmethod
    def _read_chunk(
        connection: BaseDatabaseWrapper, wanted: Sequence[WantedHeads]
    ) -> list[list[Sequence[Any]]]:
        sources = [(want.actor_id.hex, want.queue) for want in wanted]
        try:
            with reading(connection) as raw:
                ((text,),) = raw.execute(MANY_HEADS, (as_json(sources), wanted[-1].limit))
        except DataError:  # they are too big for one text
            with reading(connection) as raw:
                return [list(raw.execute(HEADS, (*source, wanted[-1].limit))) for source in sources]
        found: list[list[Sequence[Any]]] = json.loads(text)
        return found

    def read_mailboxes(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], wanted: Sequence[WantedHeads]
    ) -> tuple[datetime, list[Standing], list[Head]]:
        with reading(connection) as raw:
            ((text,),) = raw.execute(STANDING, (as_hex(actor_ids),))
        standings = [
            Standing(UUID(hex=actor_id), epoch, bool(is_paused), status, moment(first))
            for actor_id, epoch, is_paused, status, first in json.loads(text)
        ]
        return self.now(connection), standings, self.read_heads(connection, wanted)

    def next_scheduled(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID]
    ) -> dict[UUID, datetime]:
        with reading(connection) as raw:
            ((text,),) = raw.execute(NEXT_SCHEDULED, (as_hex(actor_ids),))
        firsts = {UUID(hex=actor_id): moment(first) for actor_id, first in json.loads(text).items()}
        return {actor_id: first for actor_id, first in firsts.items() if first is not None}

    def wake_ids(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], after: UUID, limit: int
    ) -> list[tuple[str, UUID]]:
        found = []
        with reading(connection) as raw:
            for type_name in types:
                position = after.hex
                for _ in range(limit):
                    (position,) = raw.execute(NEXT_WAKE, (type_name, position)).fetchone()
                    if position is None:
                        break
                    found.append((type_name, UUID(hex=position)))
        return found
