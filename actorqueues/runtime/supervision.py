"""A small parent process that starts the worker again when it dies, and the worker's watch on that parent.

Parent and worker share a pipe that carries nothing: its end tells the worker that the parent is gone.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger("actorqueues.supervision")

CHANGED_CODE = 3  # the worker's exit code that asks for an immediate new start
BACKOFF = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
HEALTHY_AFTER = 60.0  # seconds of life after which a death counts as the first one again
TICK = 0.1
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_supervised(command: Sequence[str], *, backoff: Sequence[float] = BACKOFF) -> int:
    """Runs ``command`` (plus ``--parent-pipe FD``) until it ends by itself or by a signal; its exit code."""
    return Supervisor(command, backoff).run()


class Supervisor:
    """Keeps one worker process alive. Each signal is handed on: the worker's next stage of stopping."""

    def __init__(self, command: Sequence[str], backoff: Sequence[float]) -> None:
        self._command = list(command)
        self._backoff = backoff
        self._worker: subprocess.Popen[bytes] | None = None
        self._received = 0  # signals
        self._handed_on = 0
        self._deaths = 0

    def run(self) -> int:
        with parent_pipe() as pipe, handled_signals(self._on_signal):
            while True:
                started = time.monotonic()
                code = self._run_worker(pipe)
                if self._received or code == 0:
                    return self._exit_code(code)
                if code == CHANGED_CODE:
                    continue
                self._deaths = 1 if time.monotonic() - started > HEALTHY_AFTER else self._deaths + 1
                if not self._pause(code):
                    return 0

    def _run_worker(self, pipe: int) -> int:
        # A process group of its own: Ctrl-C in a terminal must reach the worker once, by way of its parent.
        self._worker = subprocess.Popen(
            [*self._command, "--parent-pipe", str(pipe)], pass_fds=(pipe,), process_group=0
        )
        self._hand_on()  # what came while there was no worker to tell
        return self._worker.wait()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._received += 1
        self._hand_on()

    def _hand_on(self) -> None:
        while self._handed_on < self._received and self._worker and self._worker.returncode is None:
            self._handed_on += 1
            self._worker.terminate()

    def _pause(self, code: int) -> bool:
        """Waits before the next start; False if a signal ended the wait."""
        delay = self._backoff[min(self._deaths, len(self._backoff)) - 1]
        logger.error("The worker process died (%s). Starting it again in %g s.", described(code), delay)
        due = time.monotonic() + delay
        while time.monotonic() < due and not self._received:
            time.sleep(TICK)
        return not self._received

    @staticmethod
    def _exit_code(code: int) -> int:
        stopped_before_it_ran = code in (-signal.SIGTERM, -signal.SIGINT)
        return 0 if stopped_before_it_ran else code if code >= 0 else 128 - code


def described(code: int) -> str:
    """``signal SIGKILL`` or ``exit code 1``."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@contextmanager
def parent_pipe() -> Iterator[int]:
    """Gives the end that a worker inherits. Our own end closes with this process, however that ends."""
    for_worker, ours = os.pipe()
    try:
        yield for_worker
    finally:
        os.close(for_worker)
        os.close(ours)


@contextmanager
def handled_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def end_with_parent(pipe: int, patience: float) -> None:
    """In the worker: when the parent is gone, stop as for SIGTERM; ``patience`` seconds later, at once."""
    threading.Thread(target=_watch_parent, args=(pipe, patience), name="parent watch", daemon=True).start()


def _watch_parent(pipe: int, patience: float) -> None:
    os.read(pipe, 1)  # nobody writes: it returns when the other end closes
    logger.warning("The supervising process is gone: stopping.")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    os._exit(1)
