from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.models import Message
from actorqueues.storage.dialects.array_literals import array_literal
from actorqueues.storage.dialects.postgresql_reads import OF_QUEUE, PostgreSQLReads, sizes
from actorqueues.storage.dialects.surveys import MARK_COLUMNS, Mark, Sample, Sampled, WantedHeads

ESTIMATE = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)"
MARKS = f"""
SELECT {", ".join("m." + name for name in MARK_COLUMNS)}
FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS w(actor_id, queue, size)
CROSS JOIN LATERAL (
    SELECT {", ".join(MARK_COLUMNS)} FROM actorqueues_message
    WHERE {OF_QUEUE} AND scheduled_at IS NULL
    ORDER BY actor_id, queue, id LIMIT w.size
) m
"""
DEPTHS = """
SELECT w.actor_id, count(*) FROM unnest(%s::uuid[]) AS w(actor_id)
CROSS JOIN LATERAL (
    SELECT 1 FROM actorqueues_message WHERE actor_id = w.actor_id AND scheduled_at IS NULL
    ORDER BY actor_id, queue, id LIMIT %s
) m GROUP BY w.actor_id
"""
# A loose index scan: one index probe a queue, however much mail is in it.
QUEUES = """
SELECT w.actor_id, found.queue FROM unnest(%s::uuid[]) AS w(actor_id)
CROSS JOIN LATERAL (
    WITH RECURSIVE scan AS (
        (SELECT queue FROM actorqueues_message
         WHERE actor_id = w.actor_id AND scheduled_at IS NULL ORDER BY actor_id, queue, id LIMIT 1)
        UNION ALL
        SELECT (SELECT m.queue FROM actorqueues_message m
                WHERE m.actor_id = w.actor_id AND m.queue > scan.queue AND m.scheduled_at IS NULL
                ORDER BY m.actor_id, m.queue, m.id LIMIT 1)
        FROM scan WHERE scan.queue IS NOT NULL
    )
    SELECT queue FROM scan WHERE queue IS NOT NULL
) found
"""
# A range of one value again: few actors with many wakes each would have all wakes read for one that has none.
OWNERS = """
SELECT w.actor_id, t.type, found.key FROM unnest(%s::uuid[]) AS w(actor_id)
CROSS JOIN unnest(%s::text[]) AS t(type)
CROSS JOIN LATERAL (
    SELECT key FROM actorqueues_wake
    WHERE type = t.type AND actor_id >= w.actor_id AND actor_id <= w.actor_id ORDER BY type, actor_id LIMIT 1
) found
"""
DUE_LONGEST = """
SELECT t.type, found.id FROM unnest(%s::text[]) AS t(type)
CROSS JOIN LATERAL (
    SELECT id FROM actorqueues_actor
    WHERE type = t.type AND wake_at <= %s AND paused_at IS NULL AND status <> 'held'
    ORDER BY type, wake_at LIMIT %s
) found
"""
# Whole pages, from all over the table: its cost is that of the pages, not of the table.
SAMPLE = """
SELECT coalesce(a.type, (
    SELECT w.type FROM actorqueues_wake w WHERE w.type = ANY(%s::text[]) AND w.actor_id = m.actor_id LIMIT 1
)), m.queue, m.scheduled_at IS NOT NULL, count(*)
FROM (SELECT actor_id, queue, scheduled_at FROM actorqueues_message {part}) m
LEFT JOIN actorqueues_actor a ON a.id = m.actor_id
GROUP BY 1, 2, 3
"""
PART = "TABLESAMPLE SYSTEM ({percent:f})"


class PostgreSQLSurveys(PostgreSQLReads):
    def estimate_rows(self, connection: BaseDatabaseWrapper, model: type[models.Model]) -> int:
        # Of the last vacuum or analyze. A table that has seen none yet says -1, and is not large.
        return sum(int(count) for (count,) in self._rows(connection, ESTIMATE, (model._meta.db_table,)))

    def read_marks(self, connection: BaseDatabaseWrapper, wanted: Sequence[WantedHeads]) -> list[Mark]:
        return [Mark(*row) for row in self._rows(connection, MARKS, sizes(wanted))] if wanted else []

    def mailbox_depths(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, int]:
        return dict(self._rows(connection, DEPTHS, (array_literal(actor_ids), limit)))

    def queues_with_mail(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID]
    ) -> list[tuple[UUID, str]]:
        return self._rows(connection, QUEUES, (array_literal(actor_ids),))

    def owners_of_wakes(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], actor_ids: Sequence[UUID]
    ) -> list[tuple[UUID, str, str]]:
        return self._rows(connection, OWNERS, (array_literal(actor_ids), array_literal(types)))

    def due_longest(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], now: datetime, limit: int
    ) -> list[tuple[str, UUID]]:
        return self._rows(connection, DUE_LONGEST, (array_literal(types), now, limit))

    def sample_mail(self, connection: BaseDatabaseWrapper, rows: int, wake_types: Sequence[str]) -> Sample:
        total = self.estimate_rows(connection, Message)
        if total <= 2 * rows:
            part, factor = "", 1.0
        else:
            part, factor = PART.format(percent=100 * rows / total), total / rows
        found = self._rows(connection, SAMPLE.format(part=part), (array_literal(wake_types),))
        return Sample([Sampled(*row) for row in found], factor)
