"""What the journal does on SQLite: few and short calls into its own library, no placeholder rewriting."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import OperationalError, models
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues import clock
from actorqueues.storage.dialects.base import Answer, ErrorKind, OpenBatch, Row

ADVANCE = "UPDATE actorqueues_journal SET sequence = ? WHERE worker_id = ? AND sequence = ?"
FENCE = (
    "SELECT json_group_object(id, epoch) FROM actorqueues_actor WHERE id IN (SELECT value FROM json_each(?))"
)
MOST_JSON = 16_000_000  # characters; SQLite's limit for a text is a thousand million
# By the actor's type too: the index of wakes begins with it.
DELETE_WAKES = (
    "DELETE FROM actorqueues_wake WHERE actor_id = ?1"
    " AND type = (SELECT type FROM actorqueues_actor WHERE id = ?1 AND coalesce(worker_id = ?2, ?2 IS NULL))"
)


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


WRITERS: dict[type, Callable[[Any], str]] = {UUID: attrgetter("hex"), datetime: written}


def stored(value: Any) -> Any:
    writer = WRITERS.get(type(value))
    return value if writer is None else writer(value)


def as_json(rows: Sequence[Any]) -> str:
    """Many rows as one parameter.

    The sqlite3 module lets go of the interpreter at every row, and may wait for it for milliseconds while the
    event loop is busy - with the file locked. One statement over all rows does so once.
    """
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=256)
def each(columns: int) -> str:
    return ", ".join(f"json_extract(v.value, '$[{place}]')" for place in range(columns))


def stored_rows(rows: Iterable[Row]) -> list[Row]:
    """Column by column, for the values of one are all of a type, or None."""
    return list(zip(*map(stored_column, zip(*rows, strict=True)), strict=True))


def stored_column(values: Sequence[Any]) -> Sequence[Any]:
    writer = WRITERS.get(next((type(value) for value in values if value is not None), int))
    return values if writer is None else [None if value is None else writer(value) for value in values]


def raw_of(connection: BaseDatabaseWrapper) -> Any:
    # sqlite3's own connection: Django's cursor rewrites the placeholders of every statement.
    connection.ensure_connection()
    return connection.connection


@contextmanager
def reading(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """The same. Errors are Django's: who reads tries again after one, and a request is told that it may."""
    raw = raw_of(connection)
    with connection.wrap_database_errors:
        yield raw


@lru_cache(maxsize=256)
def insert_sql(model: type[models.Model], columns: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES ({marks})"


@lru_cache(maxsize=256)
def update_sql(model: type[models.Model], columns: tuple[str, ...]) -> str:
    key, *values = columns
    return f"UPDATE {model._meta.db_table} SET {', '.join(f'{name} = ?' for name in values)} WHERE {key} = ?"


@lru_cache(maxsize=256)
def delete_sql(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return f"DELETE FROM {model._meta.db_table} WHERE {model._meta.pk.column} = ?"


def change_each(connection: BaseDatabaseWrapper, sql: str, rows: Iterable[tuple[Any, Row]]) -> set[Any]:
    """Runs the statement for each ``(key, parameters)``; the keys for which it changed something."""
    execute, changed = raw_of(connection).execute, set()
    with connection.wrap_database_errors:
        for key, row in rows:
            if execute(sql, tuple(map(stored, row))).rowcount:
                changed.add(key)
    return changed


class Together:
    """There is nothing to wait for between SQLite's statements: each runs as it comes."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    def insert(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
        insert = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {each(len(columns))}"
        self.change(f"{insert} FROM json_each(?) v", stored_rows(rows))

    def update(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> Answer:
        key, *values = columns
        parts = [f"{name} = json_extract(v.value, '$[{place}]')" for place, name in enumerate(values)]
        update = (
            f"UPDATE {model._meta.db_table} AS t SET {', '.join(parts)} FROM json_each(?) v"
            f" WHERE t.{key} = json_extract(v.value, '$[{len(values)}]')"
        )
        turned = stored_rows((*row[1:], row[0]) for row in rows)
        return self.change(update, turned)

    def delete(self, model: type[models.Model], keys: Sequence[Any]) -> Answer:
        assert model._meta.pk is not None
        delete = (
            f"DELETE FROM {model._meta.db_table} WHERE {model._meta.pk.column} IN"
            " (SELECT json_extract(v.value, '$[0]') FROM json_each(?) v)"
        )
        return self.change(delete, [(stored(key),) for key in keys])

    def change(self, sql: str, rows: Sequence[Row]) -> Answer:
        text = as_json(rows)
        if len(text) > MOST_JSON and len(rows) > 1:
            half = len(rows) // 2
            first, second = self.change(sql, rows[:half]), self.change(sql, rows[half:])
            return lambda: first() + second()
        with self.connection.wrap_database_errors:
            changed: int = raw_of(self.connection).execute(sql, (text,)).rowcount
        return lambda: changed


class SQLiteBatches:
    @contextmanager
    def together(self, connection: BaseDatabaseWrapper) -> Iterator[Together]:
        yield Together(connection)

    def open_batch(
        self,
        connection: BaseDatabaseWrapper,
        worker_id: UUID,
        sequence: int,
        actor_ids: Sequence[UUID],
        lock_wait: float,
    ) -> OpenBatch | None:
        execute = raw_of(connection).execute
        with connection.wrap_database_errors:
            if not execute(ADVANCE, (sequence, worker_id.hex, sequence - 1)).rowcount:
                return None
            ((found,),) = execute(FENCE, (as_json([actor_id.hex for actor_id in actor_ids]),))
        epochs = json.loads(found)
        return OpenBatch(
            datetime.now(UTC) + clock.offset,
            {actor_id: epochs[actor_id.hex] for actor_id in actor_ids if actor_id.hex in epochs},
        )

    def delete_wakes(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], holder: UUID | None = None
    ) -> None:
        mine = None if holder is None else holder.hex
        with connection.wrap_database_errors:
            raw_of(connection).executemany(DELETE_WAKES, [(actor_id.hex, mine) for actor_id in actor_ids])

    def kind_of(self, error: Exception) -> ErrorKind:
        return "trouble" if isinstance(error, OperationalError) else "refusal"
