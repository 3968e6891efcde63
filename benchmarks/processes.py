"""Real worker processes on the database of the run."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def drain() -> float:
    """Seconds that a worker process took to empty all mailboxes, without its own start."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.draining"], check=True, capture_output=True, text=True
    )
    return float(answer.stdout.split()[-1])


@contextmanager
def worker() -> Iterator[None]:
    """``runactors``, for as long as the block lasts."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
    command = [sys.executable, "-m", "django", "runactors", "--no-supervise"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
