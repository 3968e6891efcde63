"""The bare database, on the connection that Django has: what a send costs at least."""

import time

from django.db import connection

BODY = (
    '{"number":0,"text":"a message of a hundred bytes or so, as most of them are: an id, a name, an amount"}'
)


def insert_bare(count: int, seconds: float) -> tuple[int, float]:
    """One-row INSERTs of a JSON text through a cursor, each committed: how many, and how long they took.

    Ends after ``count`` rows or ``seconds``, whichever comes first.
    """
    with connection.cursor() as cursor:
        key = "BIGSERIAL" if connection.vendor == "postgresql" else "INTEGER"
        cursor.execute(f"CREATE TABLE IF NOT EXISTS bare (id {key} PRIMARY KEY, body TEXT NOT NULL)")
        began, done = time.perf_counter(), 0
        while done < count and time.perf_counter() - began < seconds:
            cursor.execute("INSERT INTO bare (body) VALUES (%s)", [BODY])
            done += 1
        return done, time.perf_counter() - began


def inserts_per_second(count: int = 2000, seconds: float = 0.5) -> float:
    done, took = insert_bare(count, seconds)
    return done / took
