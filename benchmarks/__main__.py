"""``python -m benchmarks``: each database in turn, in a process of its own."""

import argparse
import os
import subprocess
import sys

from benchmarks.places import PLACES
from benchmarks.workloads import WORKLOADS


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures actorqueues on PostgreSQL (AQ_POSTGRES_URL, else an embedded server) and SQLite, "
        "beside one-row INSERTs on the same connection.",
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument(
        "--only", action="append", choices=list(WORKLOADS), metavar="WORKLOAD", help="one of: %(choices)s"
    )
    parser.add_argument("--database", action="append", choices=list(PLACES))
    options = parser.parse_args()
    scale = "0.1" if options.quick else "1"
    for name in options.database or PLACES:
        with PLACES[name]() as url:
            environment = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
                "AQ_BENCHMARK_URL": url,
            }
            names = options.only or list(WORKLOADS)
            command = [sys.executable, "-m", "benchmarks.running", *names, "--scale", scale]
            if code := subprocess.run(command, env=environment).returncode:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
