import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from demo_project.demo import run_demo


class Command(BaseCommand):
    """``manage.py demo``: a tour of the shop."""

    help = (
        "Makes the database, starts a worker process, sends real work to the shop's actors and shows what "
        "comes back. On a terminal the worker then stays for you to play with, until Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="stop after the tour; exit with 1 if anything is wrong"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(run_demo(stay=not options["check"] and sys.stdin.isatty()))
