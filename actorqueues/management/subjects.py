"""What ``pause`` and ``resume`` are about: a type, one actor of it, or one queue of all its actors."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, OutputWrapper

from actorqueues.definitions.keys import actor_id_for, decode_key
from actorqueues.diagnosis.names import check_queue, check_type


@dataclass(frozen=True)
class Subject:
    type: str
    key: str | None = None  # as it is stored
    queue: str = ""

    @property
    def actor_id(self) -> UUID:
        assert self.key is not None
        return actor_id_for(self.type, self.key)

    def __str__(self) -> str:
        if self.key is not None:
            return f"actor {self.type}/{self.key}"
        return f'queue "{self.queue}" of {self.type}' if self.queue else f"type {self.type}"


def add_subject(parser: ArgumentParser) -> None:
    parser.add_argument("type", metavar="TYPE", help="actor type")
    parser.add_argument("key", metavar="KEY", nargs="?", help="only the actor with this key")
    parser.add_argument(
        "--queue", metavar="NAME", default="", help="only this queue, of all actors of the type"
    )


def subject_of(options: dict[str, Any], output: OutputWrapper) -> Subject:
    """Raises ``UnknownActor``, ``UnknownQueue``, ``KeyInvalid``, ``CommandError``."""
    subject = Subject(options["type"], options["key"], options["queue"])
    if subject.key is not None and subject.queue:
        raise CommandError(
            "KEY and --queue exclude each other: a queue is paused for all actors of its type."
        )
    if not check_type(subject.type, options["database"]):
        output.write(f'This process has no code for type "{subject.type}"; the database has actors of it.')
    elif subject.queue:
        check_queue(subject.type, subject.queue)
    if subject.key is not None:
        decode_key(subject.key)  # raises KeyInvalid
    return subject
