from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from actorqueues.management.options import count
from actorqueues.management.progress import progress_bar
from actorqueues.management.tables import print_table
from actorqueues.management.times import age
from actorqueues.storage.pruning import BATCH, KINDS, Kind, prune_kind, rows_to_prune

HELP = "delete what has expired"
ABOUT = (
    "Deletes what nobody needs any more, in batches, each in a transaction of its own. Workers do this all the "
    "time by themselves: this is for where none runs, for a look (--dry-run), and for a shorter retention once."
)
EXAMPLES = ("prune --dry-run", "prune", "prune --kind dead-letters --older-than 7d")
PAUSE = 0.01  # seconds between two batches: others want to write too


def add_arguments(parser: ArgumentParser) -> None:
    names = [kind.name for kind in KINDS]
    parser.add_argument(
        "--kind",
        action="append",
        choices=names,
        metavar="KIND",
        help=f"only this; may be repeated: {', '.join(names)}",
    )
    parser.add_argument(
        "--older-than",
        type=age,
        metavar="AGE",
        help="instead of the setting: 7d, 12h, 30m; needs --kind",
    )
    parser.add_argument("--dry-run", action="store_true", help="only count what would go")
    parser.add_argument(
        "--batch-size", type=count, default=BATCH, metavar="N", help=f"rows a transaction (default {BATCH})"
    )


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    kinds = [kind for kind in KINDS if not options["kind"] or kind.name in options["kind"]]
    if options["older_than"] is not None:
        refuse_too_young(kinds, options)
    work = count_rows if options["dry_run"] else prune
    rows = [(kind.name, work(kind, options)) for kind in kinds]
    header = "WOULD GO" if options["dry_run"] else "DELETED"
    print_table(output, ("KIND", header), rows, nothing="Nothing is kept here.")
    return 0


def refuse_too_young(kinds: list[Kind], options: dict[str, Any]) -> None:
    if not options["kind"]:
        raise CommandError("--older-than needs --kind: one age does not fit all.")
    for kind in kinds:
        if kind.retention is None:
            raise CommandError(f"--older-than: {kind.name} say themselves when they expire.")
        if options["older_than"] < kind.least:
            raise CommandError(f"--older-than: {kind.name} are kept for {kind.least.days} days at least.")


def count_rows(kind: Kind, options: dict[str, Any]) -> int:
    return rows_to_prune(kind, retention=options["older_than"], using=options["database"]).count()


def prune(kind: Kind, options: dict[str, Any]) -> int:
    retention: timedelta | None = options["older_than"]
    deleted = 0
    with progress_bar(kind.name, count_rows(kind, options)) as advance:
        while gone := prune_kind(
            kind, batch=options["batch_size"], retention=retention, using=options["database"]
        ):
            deleted += gone
            advance(gone)
            time.sleep(PAUSE)
    return deleted
