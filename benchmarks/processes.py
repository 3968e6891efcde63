"""Real worker processes on the database of the run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

DRAINING = "benchmarks.draining"


@dataclass(frozen=True)
class Drained:
    """What a worker did. Times are of ``time.monotonic()``, which all processes of a machine share."""

    began_at: float  # the worker was told to run; imports are over
    first_at: float  # the first settlements had committed
    last_at: float  # the last ones that count had
    settled: int
    commits: int  # of the journal
    cpu: float  # seconds of the worker process, user and system; not of a database server

    @property
    def rate(self) -> float:
        return self.settled / (self.last_at - self.began_at)

    @property
    def cpu_microseconds(self) -> float:
        return self.cpu / self.settled * 1e6


def arguments_of(settled: int | None, seconds: float, options: Mapping[str, Any]) -> list[str]:
    arguments = ["--seconds", str(seconds), "--options", json.dumps(options)]
    return arguments if settled is None else ["--settled", str(settled), *arguments]


def drain(
    settled: int | None = None,
    *,
    seconds: float = 120.0,
    alias: str = "default",
    workers: int = 1,
    **options: Any,
) -> Drained:
    """Lets a worker work until so many messages are settled (by default: until nothing is due)."""
    arguments = arguments_of(settled, seconds, options)
    processes = [start([sys.executable, "-m", DRAINING, *arguments], alias) for _ in range(workers)]
    return together([outcome(process) for process in processes])


def together(parts: Sequence[Drained]) -> Drained:
    """Raises ``RuntimeError`` when nothing was settled. One of several may have come too late for anything."""
    if not any(part.settled for part in parts):
        raise RuntimeError("the workers settled nothing")
    return Drained(
        began_at=min(part.began_at for part in parts),
        first_at=min(part.first_at for part in parts),
        last_at=max(part.last_at for part in parts),
        settled=sum(part.settled for part in parts),
        commits=sum(part.commits for part in parts),
        cpu=sum(part.cpu for part in parts),
    )


def start(command: Sequence[str], alias: str) -> subprocess.Popen[str]:
    environment = os.environ | {"AQ_BENCHMARK_ALIAS": alias}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def outcome(process: subprocess.Popen[str]) -> Drained:
    out, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the worker failed:\n{errors}")
    return Drained(**json.loads(out.splitlines()[-1]))


@contextmanager
def draining(settled: int, *, seconds: float = 120.0) -> Iterator[subprocess.Popen[str]]:
    """A worker that has begun to settle, for as long as the block lasts. ``outcome`` waits for its end."""
    process = start([sys.executable, "-m", DRAINING, *arguments_of(settled, seconds, {})], "default")
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != "settling":
            raise RuntimeError(f"the worker did not begin:\n{process.communicate()[1]}")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()


@contextmanager
def worker(*arguments: str, alias: str = "default") -> Iterator[psutil.Process]:
    """``runactors``, for as long as the block lasts."""
    environment = os.environ | {"AQ_BENCHMARK_ALIAS": alias}
    command = [sys.executable, "-m", "django", "runactors", "--no-supervise", *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
