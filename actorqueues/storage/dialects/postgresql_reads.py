"""What is read on PostgreSQL, often, and from tables that may be deep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues import clock
from actorqueues.storage.dialects.array_literals import array_literal
from actorqueues.storage.dialects.base import (
    EVENT_COLUMNS,
    HEAD_COLUMNS,
    EventRow,
    Head,
    Row,
    Standing,
    WantedHeads,
)
from actorqueues.storage.dialects.postgresql_batches import PostgreSQLBatches
from actorqueues.storage.dialects.statements import transposed

if TYPE_CHECKING:
    import psycopg

# Equality on actor and queue would make "order by id" of this order, and with few actors, or one deep one, the
# primary key is walked for it from end to end: some 100 ms in 200,000 messages. A range of one value is none.
OF_QUEUE = "actor_id = w.actor_id AND queue >= w.queue AND queue <= w.queue"

HEADS = f"""
SELECT {", ".join("m." + name for name in HEAD_COLUMNS)}
FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS w(actor_id, queue, size)
CROSS JOIN LATERAL (
    SELECT * FROM actorqueues_message
    WHERE {OF_QUEUE} AND scheduled_at IS NULL
    ORDER BY actor_id, queue, id LIMIT w.size
) m
"""

NEXT_SCHEDULED = """
SELECT w.actor_id, m.scheduled_at FROM unnest(%s::uuid[]) AS w(actor_id)
CROSS JOIN LATERAL (
    SELECT scheduled_at FROM actorqueues_message
    WHERE actor_id = w.actor_id AND scheduled_at IS NOT NULL
    ORDER BY actor_id, scheduled_at LIMIT 1
) m
"""

STANDING = """
SELECT clock_timestamp(), a.id, a.epoch, a.paused_at IS NOT NULL, a.status,
    (SELECT scheduled_at FROM actorqueues_message
     WHERE actor_id = a.id AND scheduled_at IS NOT NULL ORDER BY actor_id, scheduled_at LIMIT 1)
FROM actorqueues_actor a WHERE a.id = ANY(%s::uuid[])
"""

# A loose index scan: one index probe a distinct actor, however many wakes it has.
WAKES = """
SELECT t.type, found.actor_id FROM unnest(%s::text[]) AS t(type)
CROSS JOIN LATERAL (
    WITH RECURSIVE scan AS (
        (SELECT actor_id FROM actorqueues_wake
         WHERE type = t.type AND actor_id > %s ORDER BY type, actor_id LIMIT 1)
        UNION ALL
        SELECT (SELECT actor_id FROM actorqueues_wake w
                WHERE w.type = t.type AND w.actor_id > scan.actor_id ORDER BY type, actor_id LIMIT 1)
        FROM scan WHERE scan.actor_id IS NOT NULL
    )
    SELECT actor_id FROM scan WHERE actor_id IS NOT NULL LIMIT %s
) found
"""

# A plain subquery of three values would be pulled up, and its literals make it another plan.
DEPTH = f"""
SELECT count(*) FROM unnest(ARRAY[%s::uuid], ARRAY[%s::text], ARRAY[%s::int]) AS w(actor_id, queue, size)
CROSS JOIN LATERAL (
    (SELECT 1 FROM actorqueues_message
     WHERE {OF_QUEUE} AND scheduled_at IS NULL
     ORDER BY actor_id, queue, id LIMIT w.size)
    UNION ALL
    (SELECT 1 FROM actorqueues_message
     WHERE actor_id = w.actor_id AND queue = w.queue AND scheduled_at IS NOT NULL
     ORDER BY actor_id, scheduled_at LIMIT w.size)
) m
"""

OUTCOMES = """
SELECT uid, actor_id, queue, status, reply, error, user_id FROM actorqueues_outcome
WHERE uid = ANY(%s::uuid[]) AND expires_at > clock_timestamp() + %s
"""


EVENT = ", ".join(f"t.{column}" for column in EVENT_COLUMNS)
# Two halves, each with its index: an OR of them walks all that the actor has.
NEW_EVENTS = f"""
SELECT {EVENT} FROM unnest(%s::uuid[], %s::bigint[]) a (actor_id, number)
CROSS JOIN LATERAL (SELECT * FROM actorqueues_event t WHERE t.actor_id = a.actor_id AND t.number > a.number) t
UNION ALL
SELECT {EVENT} FROM unnest(%s::uuid[]) a (actor_id)
CROSS JOIN LATERAL (
    SELECT * FROM actorqueues_event t WHERE t.actor_id = a.actor_id AND t.id > %s AND t.number IS NULL
) t
"""


def sizes(wanted: Sequence[WantedHeads]) -> list[str]:
    """The parameters of a statement that reads so far into each of these queues."""
    return transposed([(want.actor_id, want.queue, want.limit) for want in wanted], 3)


class PostgreSQLReads(PostgreSQLBatches):
    def now(self, connection: BaseDatabaseWrapper) -> datetime:
        # Not now(): that stands still inside a transaction.
        now: datetime = self._rows(connection, "SELECT clock_timestamp()", ())[0][0]
        return now + clock.offset

    def live_outcomes(self, connection: BaseDatabaseWrapper, uids: Sequence[UUID]) -> list[Row]:
        return self._rows(connection, OUTCOMES, (array_literal(uids), clock.offset))

    def new_events(
        self, connection: BaseDatabaseWrapper, after: Sequence[tuple[UUID, int]], floor: int
    ) -> list[EventRow]:
        actors, numbers = transposed(after, 2)
        rows = self._rows(connection, NEW_EVENTS, (actors, numbers, actors, floor))
        return [EventRow(*row) for row in rows]

    def count_depth(self, connection: BaseDatabaseWrapper, actor_id: UUID, queue: str, limit: int) -> int:
        return int(self._rows(connection, DEPTH, (actor_id, queue, limit))[0][0])

    def read_heads(self, connection: BaseDatabaseWrapper, wanted: Sequence[WantedHeads]) -> list[Head]:
        return [Head(*row) for row in self._rows(connection, HEADS, sizes(wanted))]

    def read_mailboxes(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], wanted: Sequence[WantedHeads]
    ) -> tuple[datetime, list[Standing], list[Head]]:
        with self.together(connection) as batch:
            standing = batch.send(STANDING, (array_literal(actor_ids),))
            heads = batch.send(HEADS, sizes(wanted)) if wanted else None
        rows = standing.fetchall()
        now = rows[0][0] + clock.offset if rows else self.now(connection)
        found = [] if heads is None else [Head(*row) for row in heads.fetchall()]
        return now, [Standing(*row[1:]) for row in rows], found

    def next_scheduled(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID]
    ) -> dict[UUID, datetime]:
        return dict(self._rows(connection, NEXT_SCHEDULED, (array_literal(actor_ids),)))

    def wake_ids(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], after: UUID, limit: int
    ) -> list[tuple[str, UUID]]:
        return self._rows(connection, WAKES, (array_literal(types), after, limit))

    @staticmethod
    @contextmanager
    def _cursor(connection: BaseDatabaseWrapper) -> Iterator[psycopg.Cursor[Any]]:
        """psycopg's server-side binding: Django's cursor would write arrays into the statement's text."""
        import psycopg  # an extra: SQLite projects do without it

        connection.ensure_connection()
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            yield cursor

    def _run(self, connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> None:
        with self._cursor(connection) as cursor:
            cursor.execute(sql, parameters)

    def _rows(self, connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> list[Any]:
        with self._cursor(connection) as cursor:
            rows: list[Any] = cursor.execute(sql, parameters).fetchall()
            return rows
