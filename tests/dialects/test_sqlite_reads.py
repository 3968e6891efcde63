"""What SQLite gives as one text, and what is too big for that."""

from sqlite3 import SQLITE_LIMIT_LENGTH as LENGTH_LIMIT

from django.db import connections

from actorqueues.storage.dialects import WantedHeads, dialect_for
from tests.fixtures.backends import only_sqlite
from tests.storage.leases import mail_for


@only_sqlite
def test_heads_that_are_too_big_for_one_text_are_read_row_by_row(backend):
    actor_ids = mail_for(backend, "a", "b", "a")
    wanted = [WantedHeads(actor_id, "increment", 5) for actor_id in dict.fromkeys(actor_ids)]
    dialect, connection = dialect_for(backend), connections[backend]
    at_once = dialect.read_heads(connection, wanted)
    assert len(at_once) == 3
    limited = connection.connection
    before = limited.setlimit(LENGTH_LIMIT, 500)  # bytes; a stand-in for SQLite's thousand million
    try:
        assert dialect.read_heads(connection, wanted) == at_once
    finally:
        limited.setlimit(LENGTH_LIMIT, before)
