"""What the journal does on PostgreSQL: few round trips, each with many rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues import clock
from actorqueues.storage.dialects.array_literals import array_literal
from actorqueues.storage.dialects.base import Answer, ErrorKind, OpenBatch, Row
from actorqueues.storage.dialects.statements import delete_sql, insert_sql, transposed, update_sql

if TYPE_CHECKING:
    import psycopg

# The transaction is bounded in its waits for locks from here on: somebody's long one must not hold up the batch.
ADVANCE = """
UPDATE actorqueues_journal SET sequence = %s WHERE worker_id = %s AND sequence = %s
RETURNING clock_timestamp(), set_config('lock_timeout', %s, true)
"""
FENCE = """
SELECT id, epoch FROM actorqueues_actor WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
# Through the actor's row: the index of wakes begins with the type.
DELETE_WAKES = """
DELETE FROM actorqueues_wake w USING actorqueues_actor a
WHERE a.id = ANY(%s::uuid[]) AND w.type = a.type AND w.actor_id = a.id
"""

WAITING = ("55P03", "40P01", "40001")  # lock not available, deadlock, serialization failure
# Connection, resources, an operator, the system; and the limits of idle time and of a transaction's time.
DATABASE_TROUBLE = ("08", "53", "57", "58", "25P03", "25P04")


def has_transaction_timeout(connection: BaseDatabaseWrapper) -> bool:
    """From PostgreSQL 17 on.

    Before, only idle time is bounded, and psycopg ends a pipeline with a Flush that stops that clock until
    the next statement: a process that is stopped while its pipeline is under way would hold its rows for ever.
    """
    return bool(connection.pg_version >= 170_000)  # type: ignore[attr-defined]


class Together:
    """Statements of one round trip. Their answers are there when the block has ended."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    def insert(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
        self.send(insert_sql(model, tuple(columns)), transposed(rows, len(columns)))

    def update(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> Answer:
        return self.count_of(self.send(update_sql(model, tuple(columns)), transposed(rows, len(columns))))

    def delete(self, model: type[models.Model], keys: Sequence[Any]) -> Answer:
        return self.count_of(self.send(delete_sql(model), (array_literal(keys),)))

    def send(self, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[Any]:
        import psycopg  # an extra: SQLite projects do without it

        cursor = psycopg.Cursor(self.connection.connection)
        cursor.execute(sql, parameters)
        return cursor

    @staticmethod
    def count_of(cursor: psycopg.Cursor[Any]) -> Answer:
        return lambda: cursor.rowcount


class PostgreSQLBatches:
    @contextmanager
    def together(self, connection: BaseDatabaseWrapper) -> Iterator[Together]:
        import psycopg

        connection.ensure_connection()
        pipelines = psycopg.Pipeline.is_supported() and has_transaction_timeout(connection)
        with (
            connection.wrap_database_errors,
            connection.connection.pipeline() if pipelines else nullcontext(),
        ):
            yield Together(connection)

    def open_batch(
        self,
        connection: BaseDatabaseWrapper,
        worker_id: UUID,
        sequence: int,
        actor_ids: Sequence[UUID],
        lock_wait: float,
    ) -> OpenBatch | None:
        with self.together(connection) as batch:
            limit = f"{int(lock_wait * 1000)}ms"
            advanced = batch.send(ADVANCE, (sequence, worker_id, sequence - 1, limit))
            fenced = batch.send(FENCE, (array_literal(actor_ids),))
        if (row := advanced.fetchone()) is None:
            return None
        return OpenBatch(row[0] + clock.offset, dict(fenced.fetchall()))

    def delete_wakes(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], holder: UUID | None = None
    ) -> None:
        parameters: list[Any] = [array_literal(actor_ids)]
        sql = DELETE_WAKES
        if holder is not None:
            sql += "AND a.worker_id = %s"
            parameters.append(holder)
        with self.together(connection) as batch:
            batch.send(sql, parameters)

    def kind_of(self, error: Exception) -> ErrorKind:
        import psycopg

        state = getattr(error.__cause__, "sqlstate", None)
        if state is None:  # not the server's word: the connection was lost, or a statement before it failed
            lost = isinstance(error.__cause__, psycopg.OperationalError)
            aborted = isinstance(error.__cause__, psycopg.errors.PipelineAborted)
            return "trouble" if lost and not aborted else "refusal"
        if state in WAITING:
            return "waits"
        return "trouble" if state.startswith(DATABASE_TROUBLE) else "refusal"
