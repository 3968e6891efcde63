from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.utils.translation import override

from actorqueues.client.waiting import uid_of
from actorqueues.diagnosis.dead_letters import (
    DeadLetterFilter,
    headline,
    newest_dead_letters,
    one_dead_letter,
    summary,
    whole,
)
from actorqueues.management.options import count
from actorqueues.management.selecting import add_filters, selected
from actorqueues.management.tables import print_table
from actorqueues.management.times import local
from actorqueues.models import DeadLetter

HELP = "list the dead letters, or show one"
ABOUT = (
    "Lists messages that will not be tried again by themselves, the newest first. Bodies may be secret: a list "
    "shows none. With an id it shows that one whole: body, headers, user, and the error with its traceback; what its "
    "actor hides from people is masked, unless you say --unredacted."
)
EXAMPLES = (
    "dead",
    "dead --type invoice --reason exhausted --since 2h",
    "dead 0197c1d2a4b87d1e8f0a6b5c4d3e2f10",
    "dead --json --limit 1000",
)
WIDTH = 80  # characters of an error in a list


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="show this one whole")
    add_filters(parser)
    parser.add_argument(
        "--limit", type=count, default=50, metavar="N", help="list at most so many (default 50)"
    )
    parser.add_argument("--unredacted", action="store_true", help="with ID: show secrets too")
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    if options["id"] is not None:
        show(found(options["id"], options["database"]), options, output)
        return 0
    wanted = selected(options)
    letters = newest_dead_letters(wanted, options["limit"], options["database"])
    if options["json"]:
        output.write(json.dumps([summary(letter) for letter in letters], indent=2))
        return 0
    header = ("ID", "ACTOR", "QUEUE", "REASON", "ATTEMPTS", "DIED", "ERROR")
    print_table(output, header, [row_of(letter) for letter in letters], nothing="No dead letters.")
    if len(letters) == options["limit"]:
        say_how_many(wanted, options, output)
    return 0


def row_of(letter: DeadLetter) -> tuple[object, ...]:
    error = headline(letter.error)
    return (
        letter.uid.hex,
        str(letter.actor),
        letter.queue,
        letter.reason,
        letter.failures + letter.crashes,
        local(letter.died_at),
        error if len(error) <= WIDTH else f"{error[: WIDTH - 1]}…",
    )


def say_how_many(wanted: DeadLetterFilter, options: dict[str, Any], output: OutputWrapper) -> None:
    everything = wanted.select(options["database"]).count()
    if everything > options["limit"]:
        output.write(f"\n{everything} in all; --limit shows more of them.")


def found(text: str, using: str) -> DeadLetter:
    letter = one_dead_letter(uid_of(text), using)
    if letter is None:
        raise CommandError(
            f"There is no dead letter {text}. It was replayed, destroyed or pruned, or never died."
        )
    return letter


def reason_of(letter: DeadLetter) -> str:
    with override(None):  # the rest of what a command prints is English in every project
        return f"{letter.reason} ({letter.get_reason_display()})"


def show(letter: DeadLetter, options: dict[str, Any], output: OutputWrapper) -> None:
    everything = whole(letter, unredacted=options["unredacted"])
    if options["json"]:
        output.write(json.dumps(everything, indent=2))
        return
    lines = {
        "id": everything["id"],
        "actor": str(letter.actor),
        "queue": letter.queue,
        "reason": reason_of(letter),
        "attempts": f"{letter.failures} failures, {letter.crashes} crashes",
        "enqueued": local(letter.enqueued_at),
        "died": local(letter.died_at),
        "user": letter.user_id or "-",
        "headers": json.dumps(everything["headers"], ensure_ascii=False),
        "params": json.dumps(everything["params"], ensure_ascii=False),
        "body": json.dumps(everything["body"], ensure_ascii=False),
    }
    for name, value in lines.items():
        output.write(f"{name:<10}{value}")
    output.write(f"\n{letter.error or 'It has no error.'}")
