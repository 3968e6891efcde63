"""The options that select dead letters."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from actorqueues.client.waiting import uid_of
from actorqueues.definitions.keys import decode_key
from actorqueues.diagnosis.dead_letters import DeadLetterFilter
from actorqueues.diagnosis.names import check_type
from actorqueues.management.times import moment
from actorqueues.models import DeathReason

FIELDS = ("type", "key", "queue", "reason", "since")


def add_filters(parser: ArgumentParser) -> None:
    which = parser.add_argument_group("which dead letters")
    which.add_argument("--type", metavar="TYPE", help="only of this actor type")
    which.add_argument("--key", metavar="KEY", help="only of this actor; needs --type")
    which.add_argument("--queue", metavar="NAME", help="only of this queue")
    which.add_argument(
        "--reason", choices=DeathReason.values, help=f"why they died: {', '.join(DeathReason.values)}"
    )
    which.add_argument(
        "--since",
        type=moment,
        metavar="WHEN",
        help="only those that died since then: an age such as 2h or 7d, or a date and time",
    )


def selected(options: dict[str, Any]) -> DeadLetterFilter:
    if options["key"] is not None and options["type"] is None:
        raise CommandError("--key needs --type: a key names an actor of one type.")
    if options["type"] is not None:
        check_type(options["type"], options["database"])
    if options["key"] is not None:
        decode_key(options["key"])  # raises KeyInvalid
    uids = tuple(uid_of(text) for text in options.get("ids") or ())
    return DeadLetterFilter(uids=uids, **{name: options[name] for name in FIELDS})


def is_everything(options: dict[str, Any]) -> bool:
    return all(options[name] is None for name in FIELDS)
