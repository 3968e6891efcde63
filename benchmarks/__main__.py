"""``python -m benchmarks``: each database in turn, in a process of its own."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.places import PLACES
from benchmarks.results import Result
from benchmarks.workloads import DEFAULT, PROFILED, WORKLOADS

EPILOG = """\
workloads:
  drain-many drain-one drain-completing   a worker empties mailboxes: 100 actors, one actor, a loop of its own
  send send-many send-during-drain        what a sender waits for, alone and beside a busy worker
  round-trip                              send(wait=True) to a worker in another process
  deep-one deep-spread deep-busy          a drain with 1,000,000 messages waiting, to that with 10,000
  idle resident                           what idle actors cost, stored and in memory
  track                                   a drain with an outcome kept for each message, to that without
only when asked for:
  requests                                POST with wait, to a view that inserts a row: daphne and WSGI
  waiters                                 2,000 requests that wait on one daphne process
  sockets                                 1,000 WebSockets on one daphne process, and events to them
  inspector                               pages of the admin with 1,000,000 messages stored
  tuning                                  the drain with one thing changed

examples:
  python -m benchmarks --quick                                  everything, in a few minutes
  python -m benchmarks --only drain-many --database postgresql
  python -m benchmarks --markdown docs/explanation/performance.md
  python -m benchmarks --only tuning --markdown docs/how-to/tuning.md
  python -m benchmarks --only requests --only waiters --only sockets --markdown docs/explanation/performance.md
  python -m benchmarks --only inspector --markdown docs/explanation/performance.md
  python -m benchmarks --profile drain-many --database sqlite

On PostgreSQL: the server at AQ_POSTGRES_URL, else an embedded one. Databases named actorqueues_benchmarks… are
made there and dropped. docs/explanation/performance.md tells how each figure is measured and how to read it.
"""


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.markdown:
        report.refuse_without_place(options.markdown, block_of(options))
    results: list[Result] = []
    worst = 0
    for place in options.database or PLACES:
        if names := chosen_for(place, options):
            with PLACES[place]() as environment:
                found, code = run(place, names, environment, options)
            results += found
            worst = max(worst, code)
    if results:
        tell(results, options)
    return worst


def block_of(options: argparse.Namespace) -> str:
    groups = {WORKLOADS[name].group for name in options.only or DEFAULT}
    return groups.pop() if len(groups) == 1 else "table"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures actorqueues on PostgreSQL and SQLite, beside one-row INSERTs on the same connection.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", dest="scale", const=0.1, help="a tenth of it all")
    size.add_argument("--scale", type=float, help="another part of it; by default 1, the whole")
    parser.set_defaults(scale=1.0)
    what = parser.add_mutually_exclusive_group()
    add_names(what, "--only", list(WORKLOADS), "measure only this; may be repeated")
    add_names(what, "--profile", PROFILED, "run it under a profiler (py-spy where installed, else cProfile)")
    add_names(parser, "--database", list(PLACES), "only there; may be repeated; one of: %(choices)s")
    parser.add_argument(
        "--markdown", type=Path, metavar="PATH", help="put the tables into this page, between markers"
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write everything there as JSON")
    return parser.parse_args(arguments)


def add_names(parser: "argparse._ActionsContainer", option: str, names: list[str], text: str) -> None:
    parser.add_argument(option, action="append", choices=names, metavar=option.strip("-").upper(), help=text)


def chosen_for(place: str, options: argparse.Namespace) -> list[str]:
    if options.profile:
        return list(options.profile) if place != "sqlite-full" or options.database else []
    names = options.only or DEFAULT
    return [name for name in names if place != "sqlite-full" or WORKLOADS[name].on_full]


def run(
    place: str, names: list[str], environment: dict[str, str], options: argparse.Namespace
) -> tuple[list[Result], int]:
    """What was measured, and 0 if nothing failed."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.settings", **environment}
    common, scale = [sys.executable, "-m"], ["--scale", str(options.scale)]
    if options.profile:
        commands = [[*common, "benchmarks.profiling", place, name, *scale] for name in names]
        return [], max(subprocess.run(command, env=environment).returncode for command in commands)
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "results.json"
        command = [*common, "benchmarks.running", place, *names, *scale, "--out", str(out)]
        code = subprocess.run(command, env=environment).returncode
        found = json.loads(out.read_text()) if out.exists() else []
        return [Result.from_json(one) for one in found], code


def tell(results: list[Result], options: argparse.Namespace) -> None:
    report.show(results)
    if options.markdown:
        report.write_markdown(options.markdown, block_of(options), results, options.scale)
    if options.json:
        report.write_json(options.json, results, options.scale)


if __name__ == "__main__":
    sys.exit(main())
