from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils.autoreload import get_child_arguments

from actorqueues.conf import settings
from actorqueues.definitions.registry import registry
from actorqueues.exceptions import UnknownActor
from actorqueues.management.drain_progress import drain_progress
from actorqueues.management.load_view import load_view
from actorqueues.management.logs import show_log
from actorqueues.management.options import (
    add_process_options,
    add_time_options,
    add_worker_options,
    worker_options,
)
from actorqueues.management.reloading import SourceWatch
from actorqueues.runtime.supervision import BACKOFF, CHANGED_CODE, end_with_parent, run_supervised

if TYPE_CHECKING:
    from actorqueues.runtime.worker import Worker

RELOAD_BACKOFF = (1.0,)  # what does not start may be a half-written file: its author is not to wait long


class Command(BaseCommand):
    """``manage.py runactors``: the worker process."""

    help = (
        "Runs actors: takes messages from their mailboxes and hands them to their code. Start as many of "
        "these as you like, on as many machines as reach the database; they share the actors and take over "
        "those of one that dies. SIGTERM or Ctrl-C stops gracefully: no new work, --grace seconds for what "
        "is running; a second one stops at once and loses nothing. The defaults shown are this project's."
    )
    from_command_line = False

    def add_arguments(self, parser: CommandParser) -> None:
        add_worker_options(parser)
        add_time_options(parser)
        add_process_options(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        self.from_command_line = True  # only then can this command line be started again as a worker
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_mistakes(options)
        show_log(options["log_level"], options["log_file"], options["log_format"])
        if self.is_supervisor(options):
            backoff = RELOAD_BACKOFF if options["reload"] else BACKOFF
            sys.exit(run_supervised([*get_child_arguments(), "--no-supervise"], backoff=backoff))
        self.check(databases=[options["database"] or settings.DATABASE])
        self.work(options)

    def is_supervisor(self, options: dict[str, Any]) -> bool:
        possible = self.from_command_line and os.name == "posix" and options["parent_pipe"] is None
        return possible and not options["drain"] and (options["reload"] or not options["no_supervise"])

    def work(self, options: dict[str, Any]) -> None:
        from actorqueues.runtime.options import WorkerOptions
        from actorqueues.runtime.worker import Worker

        chosen = WorkerOptions(**worker_options(options), exits_when_stalled=self.from_command_line)
        if options["parent_pipe"] is not None:
            end_with_parent(options["parent_pipe"], patience=chosen.resolved().grace + 5)
        watch = SourceWatch()
        if options["reload"]:
            watch.start()
        every: float | None = options["stats"]
        with ExitStack() as showing:
            on_progress = showing.enter_context(drain_progress()) if options["drain"] else None
            # A terminal has room for one live display: with a drain that is its progress.
            view = None if every is None else showing.enter_context(load_view(live=not options["drain"]))
            worker = Worker(chosen, on_progress=on_progress, on_load=view, load_every=every or 0.0)
            showing.enter_context(told_health(worker, options))
            worker.run()
        if watch.changed:
            sys.exit(CHANGED_CODE)


@contextmanager
def told_health(worker: Worker, options: dict[str, Any]) -> Iterator[None]:
    from actorqueues.runtime.health import published_health

    where = {"path": options["health_file"], "port": options["health_port"]}
    with ExitStack() as publishing:
        try:
            publishing.enter_context(published_health(worker, address=options["health_address"], **where))
        except OSError as error:
            raise CommandError(f"The worker's health cannot be published: {error}.") from error
        yield


def refuse_mistakes(options: dict[str, Any]) -> None:
    """What would only come out in the worker, again at each of its starts."""
    if options["reload"] and options["drain"]:
        raise CommandError(
            "--reload and --drain exclude each other: a drained worker has nothing to wait for."
        )
    folder = os.path.dirname(options["health_file"] or "") or "."
    if options["health_file"] and not os.access(folder, os.W_OK):
        raise CommandError(f"--health-file {options['health_file']} cannot be written: look at {folder}.")
    if options["database"] not in (None, *connections):
        raise CommandError(f"--database {options['database']} is not in DATABASES: {', '.join(connections)}.")
    try:
        for name in (*(options["include"] or ()), *(options["exclude"] or ())):
            registry.get(name)
    except UnknownActor as error:
        raise CommandError(error.message) from error
