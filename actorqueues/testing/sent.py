"""What was sent during a test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.definitions.keys import Key, decode_key, normalise_key
from actorqueues.definitions.marks import UNSET
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.registry import registry
from actorqueues.storage.outgoing import Outgoing, Stored


@dataclass(frozen=True)
class SentMessage:
    """A message as it was stored. ``body`` is its JSON value."""

    id: str
    actor_type: str
    key: tuple[str, ...]
    queue: str
    body: Any
    user_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float | None = None  # seconds
    scheduled_at: datetime | None = None

    def __str__(self) -> str:
        return (
            f"{self.actor_type}/{','.join(self.key)} {self.queue} {json.dumps(self.body, ensure_ascii=False)}"
        )


class Sending:
    """One message on its way: it was sent once the transaction that it is part of has committed.

    A TestCase never commits: there it was sent as long as no savepoint around it was rolled back.
    """

    def __init__(self, outgoing: Outgoing, connection: BaseDatabaseWrapper) -> None:
        self.outgoing, self.connection = outgoing, connection
        self.committed = False

    def __call__(self) -> None:
        self.committed = True

    @property
    def stands(self) -> bool:
        return self.committed or any(entry[1] is self for entry in self.connection.run_on_commit)

    def message(self) -> SentMessage:
        one = self.outgoing
        return SentMessage(
            id=one.uid.hex,
            actor_type=one.actor_type,
            key=decode_key(one.actor_key),
            queue=one.queue,
            body=None if one.body is None else json.loads(one.body),
            user_id=one.user_id,
            headers=json.loads(one.meta).get("headers", {}) if one.meta else {},
            delay=one.delay,
            scheduled_at=one.scheduled_at,
        )


class SentMessages:
    """Keeps what the store is given. A repeat that it recognised as such was not sent."""

    def __init__(self) -> None:
        self.sendings: list[Sending] = []

    def observe(self, outgoing: Sequence[Outgoing], stored: Sequence[Stored], using: str) -> None:
        connection = connections[using]
        for one, place in zip(outgoing, stored, strict=True):
            if place.deduplicated:
                continue
            sending = Sending(one, connection)
            self.sendings.append(sending)
            if connection.in_atomic_block or connection.get_autocommit():
                transaction.on_commit(sending, using=using)
            else:
                sending()  # under manual commit nobody tells

    def find(self, queue: Queue[Any, Any] | str | None, key: Key | None) -> list[SentMessage]:
        wanted = None if key is None else normalise_key(key)
        messages = [sending.message() for sending in list(self.sendings) if sending.stands]
        return [
            message
            for message in messages
            if (wanted is None or message.key == wanted) and (queue is None or goes_to(message, queue))
        ]


def goes_to(message: SentMessage, queue: Queue[Any, Any] | str) -> bool:
    if isinstance(queue, str):
        return message.queue == queue
    return message.queue == queue.name and issubclass(registry.get(message.actor_type), queue.owner)


def json_body(queue: Queue[Any, Any] | str, body: Any) -> Any:
    """A body as it is stored. With a queue's name alone it is compared as it is."""
    if body is UNSET or isinstance(queue, str):
        return body
    text = queue.dump_body(body)
    return None if text is None else json.loads(text)
