from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from actorqueues.conf import settings
from actorqueues.diagnosis.counts import count_actors, count_messages
from actorqueues.exceptions import ActorQueuesError
from actorqueues.management.options import duration
from actorqueues.management.sending import outcome_text, send
from actorqueues.management.tables import print_table

EPILOG = """examples:
  manage.py actorqueues send counter main increment '{"amount": 5}' --wait
  manage.py actorqueues inspect --type counter"""


class Command(BaseCommand):
    """``manage.py actorqueues``: look at the mailboxes, and put something into them."""

    help = "Sends messages to actors from the shell, and shows what is in their mailboxes."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        operations = parser.add_subparsers(dest="operation", metavar="OPERATION", required=True)
        add_send(operations.add_parser("send", help="send a message to an actor"))
        add_inspect(operations.add_parser("inspect", help="count messages by type, queue and status"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            {"send": self.send, "inspect": self.inspect}[options["operation"]](options)
        except ActorQueuesError as error:
            raise CommandError(f"{error.message} ({error.code})") from error

    def send(self, options: dict[str, Any]) -> None:
        queue, result = send(
            options["type"],
            options["key"],
            options["queue"],
            options["body"],
            options["wait"],
            options["timeout"],
        )
        self.stdout.write(outcome_text(queue, result))
        if options["wait"] and result.status != "completed":
            sys.exit(1)

    def inspect(self, options: dict[str, Any]) -> None:
        database, only = options["database"] or settings.DATABASE, options["type"]
        actors = [(row.actor_type, row.actors, row.awake) for row in count_actors(database, only)]
        messages = [
            (row.actor_type, row.queue, row.status, row.messages) for row in count_messages(database, only)
        ]
        print_table(self.stdout, ("TYPE", "ACTORS", "AWAKE"), actors, nothing="No actors yet.")
        self.stdout.write("")
        print_table(self.stdout, ("TYPE", "QUEUE", "STATUS", "MESSAGES"), messages, nothing="No messages.")


def add_send(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", metavar="TYPE", help="actor type, such as counter")
    parser.add_argument(
        "key", metavar="KEY", help="the actor's key; a/b is the key of two parts, a\\/b of one"
    )
    parser.add_argument("queue", metavar="QUEUE", help="name of the queue or handler")
    parser.add_argument(
        "body", metavar="JSON", nargs="?", type=json_value, help="the body; none for a queue without"
    )
    parser.add_argument(
        "--wait", action="store_true", help="wait for the reply and print it; exit code 1 without one"
    )
    parser.add_argument("--timeout", type=duration, metavar="S", help="seconds to wait")


def add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", metavar="TYPE", help="only this actor type")
    parser.add_argument("--database", metavar="ALIAS", help="alias of the actors' database")


def json_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not JSON ({error}). Quote it for the shell: '{{\"amount\": 5}}'"
        ) from None
