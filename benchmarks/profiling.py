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
from collections.abc import Iterator
from pathlib import Path

import django
from rich.console import Console
from rich.table import Table

from benchmarks.processes import DRAINING, arguments_of
from benchmarks.workloads import WORKLOADS

TOP = 25
RATE = 500  # samples a second
AT_REST = ("Condition.wait ", "_worker ", "Lanes.next_call ", "EpollSelector.select ")


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
    own: Counter[tuple[str, str]] = Counter()
    within: Counter[tuple[str, str]] = Counter()
    for thread, frames, count in samples_of(path):
        own[thread, frames[-1]] += count
        for frame in set(frames):
            within[thread, frame] += count
    show_samples("own time", own)
    show_samples("with what it calls", within)


def samples_of(path: Path) -> Iterator[tuple[str, list[str], int]]:
    """``(thread, frames from the outermost, samples)``, without imports and threads that have nothing to do."""
    for line in path.read_text().splitlines():
        stack, count = line.rsplit(" ", 1)
        thread, *frames = stack.split(";")
        outside = "importlib._bootstrap" in stack or "listen" in thread
        if frames and not outside and not frames[-1].startswith(AT_REST):
            yield thread.split(" ", 2)[-1], frames, int(count)


def show_samples(title: str, samples: Counter[tuple[str, str]]) -> None:
    table = Table("ms", "thread", "function", title=title)
    table.columns[0].justify = "right"
    for (thread, frame), count in samples.most_common(TOP):
        table.add_row(f"{count * 1000 / RATE:,.0f}", thread, frame)
    console = Console()
    Console(width=max(console.width, 110)).print(table)


def by_cprofile(path: Path, arguments: list[str], title: str) -> None:
    """Nothing to install; the event loop's thread only, and calls cost more than they do without it."""
    command = [sys.executable, "-m", DRAINING, *arguments, "--profile", str(path)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    say(out.stdout, title)
    print("cProfile of the event loop's thread; with py-spy installed: all threads, by sampling")
    pstats.Stats(str(path)).sort_stats("tottime").print_stats(TOP)


def say(output: str, title: str) -> None:
    found = next(json.loads(line) for line in output.splitlines() if line.startswith("{"))
    seconds = found["last_at"] - found["began_at"]
    print(f"{title}: {found['settled']:,} messages in {seconds:.2f} s under the profiler")


if __name__ == "__main__":
    main()
