import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo_project import demo


class Command(BaseCommand):
    """``manage.py demo``: the pages, served."""

    help = (
        "Makes the database, starts the server and a worker under one parent, and serves a few pages to play "
        "with, until Ctrl-C. They listen on this machine only. DATABASE_URL=postgresql://… runs it on PostgreSQL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, help="default: 8000, or any that is free if it is taken")
        parser.add_argument(
            "--host",
            default=demo.HOST,
            help="address to listen on; whoever reaches it may play (default: this machine only)",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="go through all pages on a database of their own instead; exit with 1 if anything is wrong",
        )
        parser.add_argument(
            "--no-browser",
            action="store_true",
            help="check over HTTP and WebSocket even if Chromium is there",
        )
        parser.add_argument(
            "--screenshots", metavar="FOLDER", help="take the README's pictures, with Chromium"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ["DEMO_HOST"] = demo.allowed_host(options["host"])  # for the server's process
        checking = [*["--no-browser"] * options["no_browser"]]
        if options["screenshots"]:
            checking += ["--screenshots", options["screenshots"]]
        is_check = options["check"] or bool(checking)
        port = 0 if is_check and options["port"] is None else options["port"]
        try:
            listening = demo.listen(options["host"], port)
        except OSError as error:
            raise CommandError(f"{options['host']} port {port}: {error}. Choose another --port.") from error
        with listening:
            if is_check:
                sys.exit(demo.check(listening, checking))
            demo.serve(listening)
