"""What SQLite gives as one text, what is too big for that, and what a read that fails raises."""

from sqlite3 import SQLITE_LIMIT_LENGTH as LENGTH_LIMIT
from uuid import UUID

import pytest
from django.db import OperationalError, connections

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


READS = {
    "count_depth": lambda dialect, connection, actor_id: dialect.count_depth(connection, actor_id, "q", 9),
    "live_outcomes": lambda dialect, connection, actor_id: dialect.live_outcomes(connection, [actor_id]),
    "read_mailboxes": lambda dialect, connection, actor_id: dialect.read_mailboxes(
        connection, [actor_id], []
    ),
    "read_heads": lambda dialect, connection, actor_id: dialect.read_heads(
        connection, [WantedHeads(actor_id, "increment", 5)]
    ),
    "next_scheduled": lambda dialect, connection, actor_id: dialect.next_scheduled(connection, [actor_id]),
    "wake_ids": lambda dialect, connection, actor_id: dialect.wake_ids(connection, ["a"], UUID(int=0), 9),
    "new_events": lambda dialect, connection, actor_id: dialect.new_events(connection, [(actor_id, 0)], 0),
    "read_marks": lambda dialect, connection, actor_id: dialect.read_marks(
        connection, [WantedHeads(actor_id, "increment", 5)]
    ),
    "mailbox_depths": lambda dialect, connection, actor_id: dialect.mailbox_depths(connection, [actor_id], 9),
    "queues_with_mail": lambda dialect, connection, actor_id: dialect.queues_with_mail(
        connection, [actor_id]
    ),
    "owners_of_wakes": lambda dialect, connection, actor_id: dialect.owners_of_wakes(
        connection, ["a"], [actor_id]
    ),
    "sample_mail": lambda dialect, connection, actor_id: dialect.sample_mail(connection, 9, ["a"]),
}


@only_sqlite
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_reads_that_fail_raise_djangos_errors(backend, read):
    """Else who tries again after one would not know it: a worker began anew after each that met a lock."""
    actor_id, connection = mail_for(backend, "a")[0], connections[backend]
    read(dialect_for(backend), connection, actor_id)
    raw = connection.connection
    raw.set_progress_handler(lambda: True, 1)  # every statement fails
    try:
        with pytest.raises(OperationalError):
            read(dialect_for(backend), connection, actor_id)
    finally:
        raw.set_progress_handler(None, 1)
