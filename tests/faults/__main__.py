"""``python -m tests.faults``: every fault scenario in its long form, until a promise is broken or the time is over."""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()  # models, which what follows imports, are not there before (hence E402)

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from demo_project.databases import postgresql  # noqa: E402
from tests.faults.scenarios import SCENARIOS  # noqa: E402
from tests.faults.stage import Stage  # noqa: E402
from tests.fixtures.backends import actors_on, empty_tables  # noqa: E402
from tests.fixtures.processes import ProcessStarter  # noqa: E402
from tests.fixtures.servers import embedded_postgres  # noqa: E402

ALIASES = {"sqlite": "default", "postgresql": "postgresql"}
console = Console()


def arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="in all (default 10)")
    parser.add_argument("--database", choices=ALIASES, action="append", help="only this one")
    parser.add_argument("--only", choices=SCENARIOS, action="append", metavar="SCENARIO", help=listing())
    parser.add_argument(
        "--seed", default=str(random.randrange(10**6)), help="of everything that is left to chance"
    )
    parser.add_argument("--keep", type=Path, help="keep the processes' output in this directory")
    return parser.parse_args()


def listing():
    return "only this one of " + ", ".join(SCENARIOS)


def drills(options):
    databases = options.database or list(ALIASES)
    return [
        (scenario, database)
        for name, scenario in SCENARIOS.items()
        for database in databases
        if ALIASES[database] in scenario.databases and (not options.only or name in options.only)
    ]


def prepare(planned, directory, exits):
    """The databases, migrated; gives the server."""
    server = None
    connections.settings["default"]["NAME"] = str(directory / "faults.sqlite3")
    if any(database == "postgresql" for _, database in planned):
        server = exits.enter_context(embedded_postgres())
        connections.settings["postgresql"].update(postgresql(server.url))
    for database in {database for _, database in planned}:
        with console.status(f"{database}: making the tables"):
            call_command("migrate", database=ALIASES[database], verbosity=0)
    return server


def run_drill(scenario, database, seconds, seed, directory, server):
    """Plays a scenario for so many seconds; gives what was counted."""
    alias, name = ALIASES[database], scenario.name()
    directory.mkdir(parents=True)
    starter = ProcessStarter(alias, directory)
    ends_at = time.monotonic() + seconds
    with actors_on(alias), console.status(f"{name} on {database}") as status:
        empty_tables(alias)
        stage = Stage(alias, starter, seed, server=server, settings=scenario.settings)

        def tell(played):
            left = max(0.0, ends_at - time.monotonic())
            status.update(f"{name} on {database}, {left:.0f} s left: {shown(stage.counts)}")

        try:
            scenario(stage).play(
                lambda strokes: strokes < scenario.rounds or time.monotonic() < ends_at, tell
            )
        finally:
            stage.close()
            starter.end_all()
            connections[alias].close()
    if stage.slowest:
        console.print(f"throughput was back after {stage.slowest:.1f} s at most")
    return stage.counts


def shown(counts):
    return ", ".join(
        f"{value:,} {name}" if isinstance(value, int) else f"{name} {value}"
        for name, value in counts.items()
        if value
    )


def main():
    options = arguments()
    planned = drills(options)
    if not planned:
        console.print("[red]no scenario is left: it does not run on this database")
        return 2
    console.print(f"{len(planned)} drills, {options.minutes:g} minutes, --seed {options.seed}")
    total = Counter()
    with ExitStack() as exits:
        directory = options.keep or Path(
            exits.enter_context(tempfile.TemporaryDirectory(prefix="aq-faults-"))
        )
        directory.mkdir(parents=True, exist_ok=True)
        server = prepare(planned, directory, exits)
        for number, (scenario, database) in enumerate(planned):
            title, began = f"{scenario.name()} on {database}", time.monotonic()
            try:
                counts = run_drill(
                    scenario, database, options.minutes * 60 / len(planned), f"{options.seed} {number}",
                    directory / title.replace(" ", "-"), server,
                )  # fmt: skip
            except Exception as broken:
                console.print(f"[red]{title}: a promise was broken[/red]  (--seed {options.seed})")
                console.print(str(broken) or repr(broken), markup=False, highlight=False)
                show_output(directory / title.replace(" ", "-"))
                return 1
            console.print(f"[green]{title}[/green] ({time.monotonic() - began:.0f} s): {shown(counts)}")
            total += counts
    show_verdict(total)
    return 0


def show_output(directory):
    """The last words of everybody who was there."""
    for log in sorted(directory.glob("*.log")):
        console.rule(log.name)
        console.print(log.read_text(errors="replace")[-3000:], markup=False, highlight=False)


def show_verdict(total):
    table = Table("what", "how many", title="all promises held")
    for name, value in sorted(total.items()):
        if isinstance(value, int):
            table.add_row(name, f"{value:,}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
