"""The bare database, on the connection that Django has: what a send costs at least."""

import time

from django.db import connection

BODY = (
    '{"number":0,"text":"a message of a hundred bytes or so, as most of them are: an id, a name, an amount"}'
)


def inserts_per_second(count: int) -> float:
    """One-row INSERTs of a JSON text, each committed."""
    with connection.cursor() as cursor:
        key = "BIGSERIAL" if connection.vendor == "postgresql" else "INTEGER"
        cursor.execute(f"CREATE TABLE IF NOT EXISTS bare (id {key} PRIMARY KEY, body TEXT NOT NULL)")
        began = time.perf_counter()
        for _ in range(count):
            cursor.execute("INSERT INTO bare (body) VALUES (%s)", [BODY])
        return count / (time.perf_counter() - began)
