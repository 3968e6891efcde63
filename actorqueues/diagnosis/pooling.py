"""Whether a pooler in transaction mode stands between us and PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.db import connections

ROUNDS = 4
CONNECT_TIMEOUT = 5  # seconds

BACKEND = "SELECT pg_backend_pid()"


def shares_sessions(using: str) -> bool:
    """True: it was seen that a connection does not keep its session, or that two have the same one.

    A connection of its own has one server process for life, and nobody else has that. Behind a pooler that
    hands out sessions by the transaction, the process that our first connection had a moment ago serves the
    transaction of the second one; or, where sessions take turns, our first connection has another one each time.
    False is no proof: a very busy pool may have shown us neither.
    """
    first, second = connect(using), connect(using)
    try:
        mine = set()
        for _ in range(ROUNDS):
            mine.add(backend_of(first))
            # In a transaction: the pooler must give it a session that it keeps for as long.
            with second.transaction():
                other = backend_of(second)
            # Asked one after the other, so that a pool of one session is not waited for.
            if other in mine or len(mine) > 1:
                return True
        return False
    finally:
        first.close()
        second.close()


def connect(using: str) -> Any:
    """A psycopg connection in autocommit, outside Django's own pool."""
    import psycopg

    parameters = connections[using].get_connection_params()
    return psycopg.connect(**{"connect_timeout": CONNECT_TIMEOUT, **parameters, "autocommit": True})


def backend_of(connection: Any) -> int:
    (number,) = connection.execute(BACKEND).fetchone()
    return int(number)
