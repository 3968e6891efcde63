"""The command line of ``runactors``: how its options are written, explained and read."""

from __future__ import annotations

import argparse
import math
from typing import Any

from django.core.management.base import CommandParser

from actorqueues.conf import settings

# What belongs to the worker itself; the names are those of WorkerOptions.
WORKER_OPTIONS = (
    "database",
    "include",
    "exclude",
    "max_resident",
    "lanes",
    "batch_size",
    "poll_interval",
    "sleep_after",
    "lease",
    "grace",
    "drain",
)


def add_worker_options(parser: CommandParser) -> None:
    """What this worker works on, and how."""
    which = parser.add_argument_group("which actors")
    which.add_argument(
        "--include", metavar="TYPE", action="append", help="only actors of this type; may be repeated"
    )
    which.add_argument(
        "--exclude", metavar="TYPE", action="append", help="no actors of this type; may be repeated"
    )
    which.add_argument(
        "--database", metavar="ALIAS", help=f"alias of the actors' database{default('DATABASE')}"
    )
    much = parser.add_argument_group("how much at a time")
    much.add_argument(
        "--max-resident",
        type=count,
        metavar="N",
        help=f"most actors in memory at once{default('MAX_RESIDENT')}",
    )
    much.add_argument(
        "--lanes",
        type=count,
        metavar="N",
        help=f"threads for sync handlers and their queries{default('LANES')}",
    )
    much.add_argument(
        "--batch-size", type=count, metavar="N", help=f"messages fetched in one go{default('BATCH_SIZE')}"
    )


def add_time_options(parser: CommandParser) -> None:
    """Times, all in seconds."""
    times = parser.add_argument_group("times, in seconds")
    times.add_argument(
        "--poll-interval",
        type=positive_duration,
        metavar="S",
        help=f"look for work at least this often, should every wake-up be lost{default('POLL_INTERVAL')}",
    )
    times.add_argument(
        "--sleep-after", type=duration, metavar="S", help=f"put idle actors to sleep{default('SLEEP_AFTER')}"
    )
    times.add_argument(
        "--lease",
        type=positive_duration,
        metavar="S",
        help=f"others take over this long after a crash{default('LEASE')}",
    )
    times.add_argument(
        "--grace",
        type=duration,
        metavar="S",
        help=f"what handlers get to finish when stopping{default('GRACE')}",
    )


def add_process_options(parser: CommandParser) -> None:
    """How the process itself lives and what it prints."""
    process = parser.add_argument_group("the process")
    process.add_argument("--drain", action="store_true", help="work until nothing is due, then exit with 0")
    process.add_argument(
        "--reload", action="store_true", help="start again when a source file changes (development)"
    )
    process.add_argument(
        "--no-supervise",
        action="store_true",
        help="be the worker itself, without the parent that starts it again; for systemd and the like",
    )
    process.add_argument(
        "--log-level", metavar="LEVEL", type=str.upper, help="DEBUG, INFO (default), WARNING, ERROR"
    )
    process.add_argument(
        "--log-format",
        choices=("text", "json"),
        help="text (default), or json: one object a line, with the actor, the message and the worker as fields",
    )
    process.add_argument(
        "--log-file", metavar="PATH", help="append the log to this file instead of the terminal"
    )
    process.add_argument(
        "--stats",
        type=positive_duration,
        nargs="?",
        const=5.0,
        metavar="SECONDS",
        help="show the worker's load every so often (5 seconds): a table on a terminal, else a line of the log",
    )
    process.add_argument(
        "--health-file", metavar="PATH", help="keep a JSON file that says whether the worker is well"
    )
    process.add_argument(
        "--health-port", type=port, metavar="PORT", help="say it over HTTP: 200 or 503, at / and /live"
    )
    process.add_argument(
        "--health-address",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="the address of that port (default 127.0.0.1, which only this machine reaches)",
    )
    process.add_argument("--parent-pipe", type=int, help=argparse.SUPPRESS)


def worker_options(given: dict[str, Any]) -> dict[str, Any]:
    """Of all options, what WorkerOptions takes and somebody gave: the rest keeps its default."""
    chosen = {name: given[name] for name in WORKER_OPTIONS if given[name] is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()}


def default(name: str) -> str:
    """`` (default 15)``. ArgumentParser reads % in a help text as its own."""
    value = getattr(settings, name)
    return f" (default {value:g})" if isinstance(value, float | int) else f' (default "{value}")'


def duration(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write seconds, such as 5 or 0.5")
    return seconds


def positive_duration(text: str) -> float:
    seconds = duration(text)
    if seconds == 0:
        raise argparse.ArgumentTypeError("it must be longer than 0 seconds")
    return seconds


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: take one up to 65535, or 0 for any")
    return int(text)


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)
