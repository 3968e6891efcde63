"""Whether the indexes that everything relies on are there."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import connections

from actorqueues.diagnosis.findings import Finding, error, ok, some

INVALID = """
SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
WHERE NOT x.indisvalid AND t.relname = ANY(%s) ORDER BY i.relname
"""


def our_tables() -> list[str]:
    return sorted(model._meta.db_table for model in apps.get_app_config("actorqueues").get_models())


def indexes(using: str) -> Iterator[Finding]:
    connection = connections[using]
    missing, invalid = [], []
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        for model in apps.get_app_config("actorqueues").get_models():
            if (table := model._meta.db_table) not in there:
                continue  # not migrated: that is another finding
            found = connection.introspection.get_constraints(cursor, table)
            wanted = [index.name for index in (*model._meta.indexes, *model._meta.constraints)]
            missing += [name for name in wanted if name not in found]
        if connection.vendor == "postgresql":
            cursor.execute(INVALID, [our_tables()])
            invalid = [name for (name,) in cursor.fetchall()]
    if missing:
        yield error(
            "indexes",
            f"Missing indexes or constraints: {some(missing)}. Queries read whole tables.",
            "Somebody has dropped them. Make them again as actorqueues/migrations/ does (manage.py sqlmigrate).",
        )
    if invalid:
        yield error(
            "indexes",
            f"Indexes that are not valid, and not used: {some(invalid)}.",
            f"REINDEX INDEX CONCURRENTLY {invalid[0]};",
        )
    if not missing and not invalid:
        yield ok("indexes", "All are there.")
