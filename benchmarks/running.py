"""``python -m benchmarks.running PLACE WORKLOAD…``: measures on one database and writes what it found as JSON."""

import argparse
import json
import logging
import subprocess
import sys
import traceback
from pathlib import Path

import django
from django.db import DatabaseError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from actorqueues.exceptions import ActorQueuesError
from benchmarks.results import Result, figure
from benchmarks.workloads import WORKLOADS, Workload


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("place")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    django.setup()
    logging.disable(logging.WARNING)
    found, failed = measure(chosen.place, chosen.names, chosen.scale)
    chosen.out.write_text(json.dumps([result.as_json() for result in found]))
    if failed:
        print(f"{chosen.place}: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def measure(place: str, names: list[str], scale: float) -> tuple[list[Result], list[str]]:
    """The results, and the workloads that failed: the others need not be measured again for them."""
    console, found, failed = Console(), [], []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task(place, total=len(names))
        for name in names:
            progress.update(task, description=f"{place}: {name}")
            results: list[Result] = []
            try:
                measure_one(place, WORKLOADS[name], scale, results)
            except (RuntimeError, DatabaseError, ActorQueuesError, subprocess.SubprocessError):
                traceback.print_exc()
                failed.append(name)  # what it found before counts
            for result in results:
                console.print(line(result), highlight=False, markup=False, soft_wrap=True)
            found += results
            progress.advance(task)
    return found, failed


def measure_one(place: str, workload: Workload, scale: float, results: list[Result]) -> None:
    """With the bare database before and after: what else the machine does changes from minute to minute."""
    from benchmarks.baseline import inserts_per_second
    from benchmarks.filling import empty, migrate

    aliases = ("default", "deep") if workload.needs_deep else ("default",)
    for alias in aliases:
        migrate(alias)
    try:
        before = inserts_per_second()
        for result in workload.run(scale):
            results.append(result.at(place, before))
        after = inserts_per_second()
    finally:
        for alias in aliases:
            empty(alias)
    results[:] = [result.at(place, (before + after) / 2) for result in results]


def line(result: Result) -> str:
    return f"{result.place:12}{result.name}: {figure(result.value, result.unit)} {result.verdict}  ({result.note})"


if __name__ == "__main__":
    sys.exit(main())
