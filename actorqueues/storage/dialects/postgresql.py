from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues import clock
from actorqueues.models import Message, Wake
from actorqueues.storage.dialects.array_literals import array_literal
from actorqueues.storage.dialects.base import Row, T
from actorqueues.storage.dialects.postgresql_batches import has_transaction_timeout
from actorqueues.storage.dialects.postgresql_surveys import PostgreSQLSurveys
from actorqueues.storage.dialects.statements import arrays, delete_sql, insert_sql, transposed, update_sql

TAKE_KEYS = """
INSERT INTO actorqueues_deduplication AS d (id, message_uid, fingerprint, expires_at)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[])
ON CONFLICT (id) DO UPDATE
SET message_uid = excluded.message_uid, fingerprint = excluded.fingerprint, expires_at = excluded.expires_at
WHERE d.expires_at <= %s RETURNING id
"""

BOUND_LOCK_WAIT = """
WITH before AS (SELECT current_setting('lock_timeout') AS value)
SELECT value, set_config('lock_timeout',
    CASE WHEN value = '0' OR value::interval > %s::interval THEN %s ELSE value END, true)
FROM before
"""

LONGEST_TIMEOUT = 2**31 - 1  # milliseconds: PostgreSQL's settings are integers


def idle_milliseconds(lease: float) -> int:
    """Well below the lease: who takes over finds no row locked."""
    return min(int(lease * 1000 * 0.6), LONGEST_TIMEOUT)


def is_pooled(connection: BaseDatabaseWrapper) -> bool:
    """Whether a pooler such as PgBouncer stands in between: it gives its clients process ids of its own making."""
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return bool(cursor.fetchone()[0] != connection.connection.info.backend_pid)


class PostgreSQL(PostgreSQLSurveys):
    vendor = "postgresql"
    journal_batch = 2000
    journal_pause = 0.0

    def __init__(self) -> None:
        # Background connections whose transactions are bounded one by one, with their lease.
        self._pooled: WeakKeyDictionary[BaseDatabaseWrapper, float] = WeakKeyDictionary()

    def transaction(self, work: Callable[[], T], connection: BaseDatabaseWrapper) -> T:
        with transaction.atomic(using=connection.alias):
            if (lease := self._pooled.get(connection)) is not None:
                self.bound_idle_time(connection, lease)
                self.bound_rest(connection, lease)
            return work()

    def prepare_background(self, connection: BaseDatabaseWrapper, lease: float) -> None:
        self._pooled.pop(connection, None)
        if is_pooled(connection):
            # A pooler may give each transaction another session, and what we set there to somebody else.
            self._pooled[connection] = lease
            return
        limit = idle_milliseconds(lease)
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {limit}")
            if has_transaction_timeout(connection):
                cursor.execute(f"SET transaction_timeout = {limit}")

    def bound_idle_time(self, connection: BaseDatabaseWrapper, lease: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = {idle_milliseconds(lease)}")

    def bound_rest(self, connection: BaseDatabaseWrapper, lease: float) -> None:
        if has_transaction_timeout(connection):
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL transaction_timeout = {idle_milliseconds(lease)}")

    def insert(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> None:
        self._run(connection, insert_sql(model, tuple(columns)), transposed(rows, len(columns)))

    def insert_absent(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> set[Any]:
        sql = f"{insert_sql(model, tuple(columns))} ON CONFLICT DO NOTHING RETURNING {columns[0]}"
        return {row[0] for row in self._rows(connection, sql, transposed(rows, len(columns)))}

    def update(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> set[Any]:
        sql = f"{update_sql(model, tuple(columns))} RETURNING t.{columns[0]}"
        return {row[0] for row in self._rows(connection, sql, transposed(rows, len(columns)))}

    def delete(
        self, connection: BaseDatabaseWrapper, model: type[models.Model], keys: Sequence[Any]
    ) -> set[Any]:
        assert model._meta.pk is not None
        sql = f"{delete_sql(model)} RETURNING {model._meta.pk.column}"
        return {row[0] for row in self._rows(connection, sql, (array_literal(keys),))}

    def insert_sends(
        self,
        connection: BaseDatabaseWrapper,
        message_columns: Sequence[str],
        messages: Sequence[Row],
        wakes: Sequence[Row],
    ) -> None:
        if len(messages) == 1:
            marks = ", ".join(["%s"] * len(message_columns))
            sql = (
                "WITH w AS (INSERT INTO actorqueues_wake (type, actor_id, key) VALUES (%s, %s, %s))"
                f" INSERT INTO actorqueues_message ({', '.join(message_columns)}, enqueued_at)"
                f" VALUES ({marks}, clock_timestamp() + %s)"
            )
            self._run(connection, sql, (*wakes[0], *messages[0], clock.offset))
            return
        wake_columns = ("type", "actor_id", "key")
        sql = (
            f"WITH w AS (INSERT INTO actorqueues_wake ({', '.join(wake_columns)})"
            f" SELECT * FROM {arrays(Wake, wake_columns)})"
            f" INSERT INTO actorqueues_message ({', '.join(message_columns)}, enqueued_at)"
            f" SELECT v.*, clock_timestamp() + %s FROM {arrays(Message, message_columns)} v"
        )
        columns = [*transposed(wakes, 3), clock.offset, *transposed(messages, len(message_columns))]
        self._run(connection, sql, columns)

    def insert_send_if_present(
        self,
        connection: BaseDatabaseWrapper,
        message_columns: Sequence[str],
        message: Row,
        wake: Row,
        generation: int | None = None,
    ) -> bool:
        wake_columns = ("type", "actor_id", "key")
        sql = (
            "WITH present AS (SELECT 1 FROM actorqueues_actor"
            " WHERE id = %s AND status IN ('live', 'held') AND generation = coalesce(%s, generation)),"
            f" w AS (INSERT INTO actorqueues_wake ({', '.join(wake_columns)})"
            f" SELECT v.* FROM {arrays(Wake, wake_columns)} v, present)"
            f" INSERT INTO actorqueues_message ({', '.join(message_columns)}, enqueued_at)"
            f" SELECT v.*, clock_timestamp() + %s FROM {arrays(Message, message_columns)} v, present RETURNING id"
        )
        before, after = ([[value] for value in row] for row in (wake, message))
        return bool(self._rows(connection, sql, (wake[1], generation, *before, clock.offset, *after)))

    def take_keys(self, connection: BaseDatabaseWrapper, rows: Sequence[Row], now: datetime) -> set[UUID]:
        return {row[0] for row in self._rows(connection, TAKE_KEYS, (*transposed(rows, 4), now))}

    @contextmanager
    def bounded_lock_wait(self, connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
        limit = f"{int(seconds * 1000)}ms"
        before = self._rows(connection, BOUND_LOCK_WAIT, (limit, limit))[0][0]
        yield
        # After an error the savepoint or transaction is rolled back, and the setting with it.
        self._rows(connection, "SELECT set_config('lock_timeout', %s, true)", (before,))

    def lock(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset.select_for_update(no_key=True, skip_locked=True)

    def lock_waiting(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset.select_for_update(no_key=True)
