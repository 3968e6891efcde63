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
# One row of nulls: all actors are locked by others. No row: the journal is elsewhere.
OPEN = """
WITH advanced AS (
    UPDATE actorqueues_journal SET sequence = %s WHERE worker_id = %s AND sequence = %s
    RETURNING clock_timestamp() AS now, set_config('lock_timeout', %s, true)
)
SELECT advanced.now, fenced.id, fenced.epoch FROM advanced LEFT JOIN LATERAL (
    SELECT id, epoch FROM actorqueues_actor
    WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
) fenced ON true
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


FEW = 2  # statements: a pipeline costs more than their round trips


class Together:
    """Statements that go out when the block ends, in one round trip if they are many. Then their answers are there."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.waiting: list[tuple[psycopg.Cursor[Any], str, Sequence[Any]]] = []

    def insert(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
        self.send(insert_sql(model, tuple(columns)), transposed(rows, len(columns)))

    def update(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> Answer:
        return self.count_of(self.send(update_sql(model, tuple(columns)), transposed(rows, len(columns))))

    def delete(self, model: type[models.Model], keys: Sequence[Any]) -> Answer:
        return self.count_of(self.send(delete_sql(model), (array_literal(keys),)))

    def send(self, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[Any]:
        import psycopg  # an extra: SQLite projects do without it

        cursor = psycopg.Cursor(self.connection.connection)
        self.waiting.append((cursor, sql, parameters))
        return cursor

    def go(self) -> None:
        import psycopg

        many = len(self.waiting) > FEW and psycopg.Pipeline.is_supported()
        with (
            self.connection.connection.pipeline()
            if many and has_transaction_timeout(self.connection)
            else nullcontext()
        ):
            for cursor, sql, parameters in self.waiting:
                cursor.execute(sql, parameters)

    @staticmethod
    def count_of(cursor: psycopg.Cursor[Any]) -> Answer:
        return lambda: cursor.rowcount


class PostgreSQLBatches:
    @contextmanager
    def together(self, connection: BaseDatabaseWrapper) -> Iterator[Together]:
        connection.ensure_connection()
        batch = Together(connection)
        yield batch
        with connection.wrap_database_errors:
            batch.go()

    def open_batch(
        self,
        connection: BaseDatabaseWrapper,
        worker_id: UUID,
        sequence: int,
        actor_ids: Sequence[UUID],
        lock_wait: float,
    ) -> OpenBatch | None:
        limit = f"{int(lock_wait * 1000)}ms"
        with self.together(connection) as batch:
            opened = batch.send(OPEN, (sequence, worker_id, sequence - 1, limit, array_literal(actor_ids)))
        if not (rows := opened.fetchall()):
            return None
        epochs = {actor_id: epoch for _, actor_id, epoch in rows if actor_id is not None}
        return OpenBatch(rows[0][0] + clock.offset, epochs)

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
