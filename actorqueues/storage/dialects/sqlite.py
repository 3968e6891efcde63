from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.models import Message, Wake
from actorqueues.storage.dialects.base import Row, T
from actorqueues.storage.dialects.sqlite_batches import (
    Together,
    change_each,
    delete_sql,
    insert_sql,
    raw_of,
    reading,
    stored,
    update_sql,
)
from actorqueues.storage.dialects.sqlite_surveys import SQLiteSurveys

GIVE_UP_AFTER = 60.0  # seconds a writer waits for its turn before "locked" is reported at all

DEPTH = (
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM actorqueues_message"
    " WHERE actor_id = ? AND queue = ? AND scheduled_at IS NULL LIMIT ?))"
    " + (SELECT count(*) FROM (SELECT 1 FROM actorqueues_message"
    " WHERE actor_id = ? AND queue = ? AND scheduled_at IS NOT NULL LIMIT ?))"
)
OUTCOME = (
    "SELECT actor_id, queue, status, reply, error, user_id FROM actorqueues_outcome"
    " WHERE uid = ? AND expires_at > ?"
)
TAKE_KEY = (
    "INSERT INTO actorqueues_deduplication (id, message_uid, fingerprint, expires_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET message_uid = excluded.message_uid, fingerprint = excluded.fingerprint,"
    " expires_at = excluded.expires_at WHERE expires_at <= ?"
)


class SQLite(SQLiteSurveys):
    vendor = "sqlite"
    journal_batch = 200
    journal_pause = 0.001

    def transaction(self, work: Callable[[], T], connection: BaseDatabaseWrapper) -> T:
        if connection.in_atomic_block:
            with transaction.atomic(using=connection.alias):
                return work()
        if not connection.get_autocommit():
            return work()  # manual commit: an outermost savepoint's release would commit what is the caller's
        # Own retry loop: the built-in busy handler sleeps in steps that let a busy neighbour starve us.
        raw = raw_of(connection)
        (patience,) = raw.execute("PRAGMA busy_timeout").fetchone()
        raw.execute("PRAGMA busy_timeout = 0")
        try:
            return self._take_turn(work, connection)
        finally:
            raw.execute(f"PRAGMA busy_timeout = {patience}")

    @staticmethod
    def _take_turn(work: Callable[[], T], connection: BaseDatabaseWrapper) -> T:
        give_up_at, pause = time.monotonic() + GIVE_UP_AFTER, 0.0003
        while True:
            try:
                with transaction.atomic(using=connection.alias):
                    return work()
            except OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up_at:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 1.5, 0.02)

    def prepare_background(self, connection: BaseDatabaseWrapper, lease: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")

    def bound_idle_time(self, connection: BaseDatabaseWrapper, lease: float) -> None:
        """Nothing ends a stopped process's transaction but its own end."""

    bound_rest = bound_idle_time

    def insert(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> None:
        Together(connection).insert(model, columns, rows)

    def insert_absent(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> set[Any]:
        sql = f"{insert_sql(model, tuple(columns))} ON CONFLICT DO NOTHING"
        return change_each(connection, sql, ((row[0], row) for row in rows))

    def update(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> set[Any]:
        turned = ((row[0], (*row[1:], row[0])) for row in rows)
        return change_each(connection, update_sql(model, tuple(columns)), turned)

    def delete(
        self, connection: BaseDatabaseWrapper, model: type[models.Model], keys: Sequence[Any]
    ) -> set[Any]:
        return change_each(connection, delete_sql(model), ((key, (key,)) for key in keys))

    def insert_sends(
        self,
        connection: BaseDatabaseWrapper,
        message_columns: Sequence[str],
        messages: Sequence[Row],
        wakes: Sequence[Row],
    ) -> None:
        now = stored(self.now(connection))
        with_time = [(*message, now) for message in messages]

        def work() -> None:
            self.insert(connection, Message, (*message_columns, "enqueued_at"), with_time)
            self.insert(connection, Wake, ("type", "actor_id", "key"), wakes)

        work() if connection.in_atomic_block else self.transaction(work, connection)

    def insert_send_if_present(
        self,
        connection: BaseDatabaseWrapper,
        message_columns: Sequence[str],
        message: Row,
        wake: Row,
        generation: int | None = None,
    ) -> bool:
        marks = ", ".join("?" * len(message_columns))
        sql = (
            f"INSERT INTO actorqueues_message ({', '.join(message_columns)}, enqueued_at) SELECT {marks}, ?"
            " WHERE EXISTS (SELECT 1 FROM actorqueues_actor"
            " WHERE id = ? AND status IN ('live', 'held') AND generation = coalesce(?, generation))"
        )
        values = (*message, self.now(connection), wake[1], generation)

        def work() -> bool:
            if not change_each(connection, sql, [(True, values)]):
                return False
            self.insert(connection, Wake, ("type", "actor_id", "key"), [wake])
            return True

        return bool(work() if connection.in_atomic_block else self.transaction(work, connection))

    def take_keys(self, connection: BaseDatabaseWrapper, rows: Sequence[Row], now: datetime) -> set[UUID]:
        return change_each(connection, TAKE_KEY, ((row[0], (*row, now)) for row in rows))

    def bounded_lock_wait(
        self, connection: BaseDatabaseWrapper, seconds: float
    ) -> AbstractContextManager[None]:
        return nullcontext()  # one writer: whoever is in a transaction has waited already

    def live_outcomes(self, connection: BaseDatabaseWrapper, uids: Sequence[UUID]) -> list[Row]:
        now = stored(self.now(connection))
        with reading(connection) as raw:
            found = [(uid, raw.execute(OUTCOME, (uid.hex, now)).fetchone()) for uid in uids]
        return [(uid, UUID(hex=row[0]), *row[1:]) for uid, row in found if row is not None]

    def count_depth(self, connection: BaseDatabaseWrapper, actor_id: UUID, queue: str, limit: int) -> int:
        wanted = (actor_id.hex, queue, limit)
        with reading(connection) as raw:
            return int(raw.execute(DEPTH, wanted * 2).fetchone()[0])

    def lock(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset  # BEGIN IMMEDIATE: there is one writer, and we are it

    lock_waiting = lock
