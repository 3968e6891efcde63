"""``python -m benchmarks.running WORKLOAD…``: measures on the database at AQ_BENCHMARK_URL."""

import argparse
import logging

import django
from django.core.management import call_command
from rich.console import Console
from rich.table import Table

from benchmarks.workloads import WORKLOADS, Result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="+")
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    django.setup()
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)
    measure(options.names, options.scale)


def measure(names: list[str], scale: float) -> None:
    from django.db import connection

    from benchmarks.baseline import inserts_per_second

    console = Console()
    table = Table("workload", "bare INSERTs", "measured", "ratio", title=connection.vendor)
    for column in table.columns[1:]:
        column.justify = "right"
    with console.status("") as status:
        for name in names:
            status.update(f"{connection.vendor}: {name}")
            # Beside each workload: what else the machine does changes from minute to minute.
            bare = inserts_per_second(int(2000 * scale))
            for result in WORKLOADS[name](scale):
                table.add_row(*cells(result, bare))
            empty()
    console.print(table)


def cells(result: Result, bare: float) -> tuple[str, str, str, str]:
    if result.unit == "ms":
        one = 1000 / bare
        return result.name, f"{one:.2f} ms", f"{result.value:.2f} ms", f"{result.value / one:.1f} x"
    return result.name, f"{bare:,.0f}/s", f"{result.value:,.0f}/s", f"{result.value / bare:.2f} x"


def empty() -> None:
    """The next workload begins with empty tables."""
    from django.apps import apps
    from django.db import connection

    tables = [model._meta.db_table for model in apps.get_app_config("actorqueues").get_models()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
            return
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")


if __name__ == "__main__":
    main()
