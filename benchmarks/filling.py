"""Fast ways to a database that holds a lot: the rows that sends, claims and releases would have left."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.test import override_settings

SLICE = 5000  # rows a transaction
WAKE_FOR = 1000  # messages: send_many leaves one wake for as many


@contextmanager
def actors_on(alias: str) -> Iterator[None]:
    """Handles of this process reach this database meanwhile."""
    with override_settings(ACTORQUEUES=settings.ACTORQUEUES | {"DATABASE": alias}):
        yield


def migrate(alias: str) -> None:
    call_command("migrate", database=alias, verbosity=0)


def empty(alias: str = "default") -> None:
    connection = connections[alias]
    tables = [model._meta.db_table for model in apps.get_app_config("actorqueues").get_models()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
            return
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def settle_down(alias: str) -> None:
    """What the server would do about so many new rows in its own time, done before anything is measured."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
            with suppress(DatabaseError):  # not everybody may ask for one
                cursor.execute("CHECKPOINT")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def fill_mailboxes(alias: str, actor_class: Any, queue: str, actors: int, messages: int) -> None:
    """Messages for so many actors in turn, as sends would store them, past the sends themselves.

    Every row is made by the same code as a send's. Wakes are as ``send_many`` to each actor leaves them:
    one for a thousand of its messages. Message after message goes to another actor, so that no mailbox lies
    together on the disk.
    """
    from actorqueues.client.outgoing import make_outgoing
    from actorqueues.models import Message, Wake
    from actorqueues.storage.ids import new_uid
    from actorqueues.storage.sending import MESSAGE_COLUMNS, row_of, wake_of

    handles = (actor_class.get_or_create(f"k{number}") for number in range(actors))
    found = actor_class.definition.queues[queue]
    firsts = [make_outgoing(handle._target, found, {}, {}) for handle in handles]
    columns, now = (*MESSAGE_COLUMNS, "enqueued_at"), datetime.now(UTC)
    at_uid = columns.index("uid")
    plain = [(*row_of(first, None), now) for first in firsts]
    rows = (
        (*row[:at_uid], new_uid(), *row[at_uid + 1 :])
        for row in itertools.islice(itertools.cycle(plain), messages)
    )
    insert_all(alias, Message, columns, rows)
    wakes = -(-messages // actors // WAKE_FOR)
    insert_all(
        alias, Wake, ("type", "actor_id", "key"), (wake_of(first) for first in firsts for _ in range(wakes))
    )
    settle_down(alias)


def fill_actors(alias: str, actor_class: Any, count: int) -> None:
    """Actors that ran once and went to sleep: their rows as a claim, ``on_create`` and a release leave them."""
    from actorqueues.definitions.keys import actor_id_for
    from actorqueues.models import ActorInstance
    from actorqueues.storage.actors import ROW_COLUMNS

    columns, now = (*ROW_COLUMNS, "initialised_at", "state"), datetime.now(UTC)
    name = actor_class.definition.type_name
    rows = (
        (actor_id_for(name, key), name, key, None, now, 1, "live", 2, False, 0, "", now, '{"count":0}')
        for key in map(idle_key, range(count))
    )
    insert_all(alias, ActorInstance, columns, rows)
    settle_down(alias)


def idle_key(number: int) -> str:
    return f"idle{number}"


def insert_all(alias: str, model: Any, columns: Sequence[str], rows: Iterator[Any]) -> None:
    from actorqueues.storage.dialects import dialect_for

    connection, dialect = connections[alias], dialect_for(alias)
    for some in iter(lambda: list(itertools.islice(rows, SLICE)), []):
        dialect.transaction(lambda some=some: dialect.insert(connection, model, columns, some), connection)
