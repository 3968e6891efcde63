"""A worker process beside the demo."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


@contextmanager
def running_worker() -> Iterator[subprocess.Popen[bytes]]:
    """Starts ``manage.py runactors``; ends it as a deployment would, by SIGTERM."""
    # A session of its own: Ctrl-C must end the demo, which then ends the worker.
    command = [sys.executable, str(MANAGE), "runactors", "--log-level", "WARNING"]
    worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
