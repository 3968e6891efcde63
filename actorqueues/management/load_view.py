"""What ``runactors --stats`` shows: a small table on a terminal, elsewhere a line of the log each time."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from actorqueues.runtime.load import Load

logger = logging.getLogger("actorqueues.load")


@contextmanager
def load_view(*, live: bool) -> Iterator[Callable[[Load], None]]:
    """Gives what shows one measurement. ``live``: on a terminal, as a table that stays in its place."""
    if not (live and sys.stderr.isatty()):
        yield log_load
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False) as table:
        yield lambda load: table.update(table_of(load), refresh=True)


def log_load(load: Load) -> None:
    text = ", ".join(f"{name} {value}" for name, value in cells(load))
    logger.info("load: %s", text, extra=asdict(load))


def table_of(load: Load) -> Table:
    from rich.table import Table

    table = Table(*(name for name, _ in cells(load)), padding=(0, 1))
    table.add_row(*(value for _, value in cells(load)))
    return table


def cells(load: Load) -> list[tuple[str, str]]:
    return [
        ("settled", f"{load.settled_per_second:,.0f}/s"),
        ("failed", f"{load.failed}"),
        ("dead", f"{load.dead}"),
        ("busy", f"{load.busy}"),
        ("resident", f"{load.resident}"),
        ("waiting steps", f"{load.waiting_steps}"),
        ("commits", f"{load.commits_per_second:,.1f}/s"),
        ("steps a commit", f"{load.steps_per_commit:,.1f}"),
        ("lanes busy", f"{load.lanes_busy}"),
        ("loop lag", duration(load.loop_lag)),
        ("p50", duration(load.latency_p50)),
        ("p99", duration(load.latency_p99)),
    ]


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:,.1f} s"
