from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from actorqueues.conf import settings
from actorqueues.exceptions import ActorQueuesError
from actorqueues.management.operations import OPERATIONS, Operation

OWN_CHECKS = ("doctor",)  # operations that run the system checks themselves


class Command(BaseCommand):
    """``manage.py actorqueues``: look at the mailboxes, put something into them, and keep them in order."""

    help = "Operates actors from the shell. Each operation has its own --help, with examples."

    def add_arguments(self, parser: CommandParser) -> None:
        operations = parser.add_subparsers(dest="operation", metavar="OPERATION", required=True)
        for name, operation in OPERATIONS.items():
            own = operations.add_parser(
                name,
                help=operation.HELP,
                description=operation.ABOUT,
                epilog=examples_of(operation),
                formatter_class=Formatter,
            )
            operation.add_arguments(own)
            own.add_argument("--database", metavar="ALIAS", help="alias of the actors' database")

    def execute(self, *args: Any, **options: Any) -> Any:
        if options["operation"] in OWN_CHECKS:
            options["skip_checks"] = True  # what they find is not to keep it from going on
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            options["database"] = database_of(options["database"])
            code = OPERATIONS[options["operation"]].run(options, self.stdout)
        except ActorQueuesError as error:
            raise CommandError(f"{error.message} ({error.code})") from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            why = "manage.py actorqueues doctor looks for the reason."
            raise CommandError(f"The database says: {str(error).strip()}. {why}") from error
        if code:
            sys.exit(code)


class Formatter(argparse.HelpFormatter):
    """Fills the description and leaves the examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return "".join(indent + line for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)


def examples_of(operation: Operation) -> str:
    return "\n".join(["examples:", *(f"  manage.py actorqueues {line}" for line in operation.EXAMPLES)])


def database_of(given: str | None) -> str:
    alias = given or settings.DATABASE
    if alias not in connections:
        raise CommandError(f"--database {alias} is not in DATABASES: {', '.join(connections)}.")
    return alias
