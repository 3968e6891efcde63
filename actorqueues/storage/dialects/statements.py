"""PostgreSQL's statements over many rows: a column of values is one array."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from django.db import models

from actorqueues.storage.dialects.array_literals import array_literal
from actorqueues.storage.dialects.base import Row

ARRAY_TYPES = {
    "UUIDField": "uuid",
    "BigAutoField": "bigint",
    "BigIntegerField": "bigint",
    "IntegerField": "int",
    "BooleanField": "boolean",
    "DateTimeField": "timestamptz",
    "ForeignKey": "uuid",  # only actors are pointed at
}


def arrays(model: type[models.Model], columns: Sequence[str]) -> str:
    """``unnest(%s::uuid[], %s::text[], …)`` for these columns."""
    by_column = {field.column: field.get_internal_type() for field in model._meta.concrete_fields}
    return (
        "unnest(" + ", ".join(f"%s::{ARRAY_TYPES.get(by_column[name], 'text')}[]" for name in columns) + ")"
    )


def transposed(rows: Sequence[Row], width: int) -> list[str]:
    """A parameter a column, for ``arrays``."""
    return [array_literal(column) for column in zip(*rows, strict=True)] or ["{}"] * width


@lru_cache(maxsize=256)
def insert_sql(model: type[models.Model], columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT * FROM {arrays(model, columns)}"


@lru_cache(maxsize=256)
def update_sql(model: type[models.Model], columns: tuple[str, ...]) -> str:
    key, *values = columns
    return (
        f"UPDATE {model._meta.db_table} t SET {', '.join(f'{name} = v.{name}' for name in values)}"
        f" FROM {arrays(model, columns)} AS v({', '.join(columns)}) WHERE t.{key} = v.{key}"
    )


@lru_cache(maxsize=256)
def delete_sql(model: type[models.Model]) -> str:
    key = model._meta.pk
    assert key is not None
    kind = ARRAY_TYPES[key.get_internal_type()]
    return f"DELETE FROM {model._meta.db_table} t WHERE {key.column} = ANY(%s::{kind}[])"
