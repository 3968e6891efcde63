"""``python -m benchmarks.profiling PLACE WORKLOAD``: where a worker spends its time during a drain."""

import argparse
import json
import logging
import pstats
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import django
from rich.console import Console
from rich.table import Table

from benchmarks.processes import DRAINING, arguments_of
from benchmarks.workloads import WORKLOADS

TOP = 25
RATE = 500  # samples a second


def main() -> None:
    from benchmarks.filling import migrate

    parser = argparse.ArgumentParser()
    parser.add_argument("place")
    parser.add_argument("name")
    parser.add_argument("--scale", type=float, default=1.0)
    chosen = parser.parse_args()
    django.setup()
    logging.disable(logging.WARNING)
    migrate("default")
    load = WORKLOADS[chosen.name].load
    assert load is not None
    arguments = arguments_of(load.fill(chosen.scale), 120.0, load.options)
    title = f"{chosen.place}, {chosen.name}"
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "profile"
        sampler = py_spy()
        if sampler is None:
            by_cprofile(path, arguments, title)
        else:
            by_sampling(sampler, path, arguments, title)


def py_spy() -> str | None:
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def by_sampling(sampler: str, path: Path, arguments: list[str], title: str) -> None:
    """py-spy: all threads, little of a distortion."""
    record = [sampler, "record", "--format", "raw", "--threads", "--rate", str(RATE), "--output", str(path)]
    command = [*record, "--", sys.executable, "-m", DRAINING, *arguments]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    say(out.stdout, title)
    stacks = [line.rsplit(" ", 1) for line in path.read_text().splitlines()]
    own: Counter[tuple[str, str]] = Counter()
    within: Counter[tuple[str, str]] = Counter()
    for stack, count in stacks:
        thread, *frames = stack.split(";")
        if frames:
            own[thread, frames[-1]] += int(count)
        for frame in set(frames):
            within[thread, frame] += int(count)
    show_samples("own time", own)
    show_samples("with what it calls", within)


def show_samples(title: str, samples: Counter[tuple[str, str]]) -> None:
    table = Table("ms", "thread", "function", title=title)
    table.columns[0].justify = "right"
    for (thread, frame), count in samples.most_common(TOP):
        table.add_row(f"{count * 1000 / RATE:,.0f}", thread.split(" ", 2)[-1], frame)
    Console().print(table)


def by_cprofile(path: Path, arguments: list[str], title: str) -> None:
    """Nothing to install; the event loop's thread only, and calls cost more than they do without it."""
    command = [sys.executable, "-m", DRAINING, *arguments, "--profile", str(path)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    say(out.stdout, title)
    print("cProfile of the event loop's thread; with py-spy installed: all threads, by sampling")
    pstats.Stats(str(path)).sort_stats("tottime").print_stats(TOP)


def say(output: str, title: str) -> None:
    found = json.loads(output.splitlines()[-1])
    seconds = found["last_at"] - found["began_at"]
    print(f"{title}: {found['settled']:,} messages in {seconds:.2f} s under the profiler")


if __name__ == "__main__":
    main()
