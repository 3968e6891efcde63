from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.models import ActorInstance, Message
from actorqueues.storage.dialects.sqlite_batches import reading
from actorqueues.storage.dialects.sqlite_reads import OF_ONE_QUEUE, SQLiteReads, as_hex, moment
from actorqueues.storage.dialects.surveys import MARK_COLUMNS, Mark, Sample, Sampled, WantedHeads

RUN = 100  # rows that a sample reads at one place

MARKS = (
    f"SELECT {', '.join('+' + name for name in MARK_COLUMNS)} "
    f"{OF_ONE_QUEUE.format(actor='?', queue='?', limit='?')}"
)
DEPTHS = """
SELECT json_group_object(w.value, (SELECT count(*) FROM (
    SELECT 1 FROM actorqueues_message WHERE actor_id = w.value AND scheduled_at IS NULL LIMIT ?2
))) FROM json_each(?1) w
"""
# A loose index scan: one index probe a queue, however much mail is in it.
QUEUES = """
WITH RECURSIVE found(actor_id, queue) AS (
    SELECT w.value, (
        SELECT min(queue) FROM actorqueues_message WHERE actor_id = w.value AND scheduled_at IS NULL
    ) FROM json_each(?) w
    UNION ALL
    SELECT found.actor_id, (
        SELECT min(m.queue) FROM actorqueues_message m
        WHERE m.actor_id = found.actor_id AND m.scheduled_at IS NULL AND m.queue > found.queue
    ) FROM found WHERE found.queue IS NOT NULL
)
SELECT json_group_array(json_array(actor_id, queue)) FROM found WHERE queue IS NOT NULL
"""
OWNER = """
SELECT type, key FROM actorqueues_wake
WHERE type IN (SELECT value FROM json_each(?)) AND actor_id = ? LIMIT 1
"""
ENDS = "SELECT min(id), max(id) FROM actorqueues_message"
PLACE = """
SELECT coalesce((SELECT type FROM actorqueues_actor WHERE id = m.actor_id), (
    SELECT w.type FROM actorqueues_wake w
    WHERE w.type IN (SELECT value FROM json_each(?3)) AND w.actor_id = m.actor_id LIMIT 1
)), +queue, scheduled_at IS NOT NULL
FROM actorqueues_message m WHERE m.id >= ?1 ORDER BY m.id LIMIT ?2
"""


class SQLiteSurveys(SQLiteReads):
    def estimate_rows(self, connection: BaseDatabaseWrapper, model: type[models.Model]) -> int:
        return model._default_manager.using(connection.alias).count()  # a walk of the smallest index

    def read_marks(self, connection: BaseDatabaseWrapper, wanted: Sequence[WantedHeads]) -> list[Mark]:
        found = []
        for want in wanted:
            with reading(connection) as raw:
                rows = raw.execute(MARKS, (want.actor_id.hex, want.queue, want.limit)).fetchall()
            for _, queue, id_, *times in rows:
                found.append(Mark(want.actor_id, queue, id_, *map(moment, times)))  # type: ignore[arg-type]
        return found

    def mailbox_depths(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, int]:
        with reading(connection) as raw:
            ((text,),) = raw.execute(DEPTHS, (as_hex(actor_ids), limit))
        return {UUID(hex=actor_id): depth for actor_id, depth in json.loads(text).items() if depth}

    def queues_with_mail(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID]
    ) -> list[tuple[UUID, str]]:
        with reading(connection) as raw:
            ((text,),) = raw.execute(QUEUES, (as_hex(actor_ids),))
        return [(UUID(hex=actor_id), queue) for actor_id, queue in json.loads(text)]

    def owners_of_wakes(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], actor_ids: Sequence[UUID]
    ) -> list[tuple[UUID, str, str]]:
        named = json.dumps(list(types))
        with reading(connection) as raw:
            found = [(one, raw.execute(OWNER, (named, one.hex)).fetchone()) for one in actor_ids]
        return [(actor_id, *row) for actor_id, row in found if row is not None]

    def due_longest(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], now: datetime, limit: int
    ) -> list[tuple[str, UUID]]:
        due = ActorInstance.objects.using(connection.alias).due(now).order_by("wake_at")
        return [row for name in types for row in due.filter(type=name).values_list("type", "id")[:limit]]

    def sample_mail(self, connection: BaseDatabaseWrapper, rows: int, wake_types: Sequence[str]) -> Sample:
        total = self.estimate_rows(connection, Message)
        counted: Counter[tuple[str | None, str, int]] = Counter()
        if total <= 2 * rows:
            places = [(0, total)]
        else:
            with reading(connection) as raw:
                ((first, last),) = raw.execute(ENDS)
            places = [(random.randint(first, last), RUN) for _ in range(rows // RUN)]
        with reading(connection) as raw:
            for place in places:
                counted.update(raw.execute(PLACE, (*place, json.dumps(wake_types))).fetchall())
        found = [
            Sampled(name, queue, bool(later), number) for (name, queue, later), number in counted.items()
        ]
        sampled = sum(counted.values())
        return Sample(found, max(1.0, total / sampled) if sampled else 1.0)
