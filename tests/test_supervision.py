"""The parent of ``runactors``: it needs no database, so its worker here is a few lines of Python."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PROJECT = Path(__file__).resolve().parents[1]

PARENT = """
import sys
from actorqueues.runtime.supervision import run_supervised
sys.exit(run_supervised([sys.executable, "-c", {worker!r}], backoff=(0.1, 0.2)))
"""

WORKER = """
import signal, sys, time
from pathlib import Path
from actorqueues.runtime.supervision import end_with_parent
starts = Path({starts!r})
def say(text):
    with starts.open("a") as out:
        print(text, file=out)
"""

PATIENT = (
    WORKER
    + """
def stop(number, frame):
    say("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
end_with_parent(int(sys.argv[sys.argv.index("--parent-pipe") + 1]), patience=5)
say("ready")
while True:
    time.sleep(0.05)
"""
)

STUBBORN = (
    WORKER
    + """
signals = []
def stop(number, frame):
    signals.append(number)
    say(f"signal {{len(signals)}}")
    if len(signals) == 2:
        sys.exit(7)
signal.signal(signal.SIGTERM, stop)
say("ready")
while True:
    time.sleep(0.05)
"""
)

FAILING = (
    WORKER
    + """
say("ready")
sys.exit(9 if starts.read_text().count("ready") < 4 else 0)
"""
)

RELOADING = (
    WORKER
    + """
say("ready")
sys.exit(3 if starts.read_text().count("ready") < 3 else 0)
"""
)


class Family:
    """A supervising parent, and the file in which its workers say what happens to them."""

    def __init__(self, worker, directory):
        self.diary = directory / "diary"
        code = PARENT.format(worker=worker.format(starts=str(self.diary)))
        self.parent = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def entries(self):
        return self.diary.read_text().split("\n")[:-1] if self.diary.exists() else []

    def wait_for(self, entry, number=1):
        give_up_at = time.monotonic() + 20
        while self.entries.count(entry) < number:
            assert time.monotonic() < give_up_at, f"no {entry!r} but {self.entries}"
            time.sleep(0.02)

    def worker(self):
        return psutil.Process(self.parent.pid).children()[0]

    def end(self):
        if self.parent.poll() is None:
            for process in psutil.Process(self.parent.pid).children():
                process.kill()
            self.parent.kill()
        self.parent.stderr.close()
        self.parent.wait()


@pytest.fixture
def family(tmp_path):
    families = []

    def start(worker):
        families.append(Family(worker, tmp_path))
        return families[-1]

    yield start
    for each in families:
        each.end()


def test_a_worker_that_dies_is_started_again_until_it_ends_well(family):
    supervised = family(FAILING)
    _, errors = supervised.parent.communicate(timeout=30)
    assert supervised.entries == ["ready"] * 4
    assert supervised.parent.returncode == 0
    assert "died (exit code 9)" in errors


def test_a_killed_worker_is_started_again(family):
    supervised = family(PATIENT)
    supervised.wait_for("ready")
    supervised.worker().kill()
    supervised.wait_for("ready", 2)
    supervised.parent.terminate()
    assert supervised.parent.wait(10) == 0


def test_a_worker_whose_code_changed_is_started_again_without_a_pause(family):
    supervised = family(RELOADING)
    _, errors = supervised.parent.communicate(timeout=30)
    assert supervised.entries == ["ready"] * 3
    assert (supervised.parent.returncode, errors) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_handed_on_and_a_clean_stop_is_exit_code_0(family, number):
    supervised = family(PATIENT)
    supervised.wait_for("ready")
    supervised.parent.send_signal(number)
    assert supervised.parent.wait(10) == 0
    assert supervised.entries == ["ready", "stopped"]


def test_a_second_signal_is_handed_on_too(family):
    supervised = family(STUBBORN)
    supervised.wait_for("ready")
    supervised.parent.terminate()
    supervised.wait_for("signal 1")
    supervised.parent.terminate()
    assert supervised.parent.wait(10) == 7
    assert supervised.entries == ["ready", "signal 1", "signal 2"]


def test_ctrl_c_in_a_terminal_reaches_the_worker_once(family):
    supervised = family(STUBBORN)
    supervised.wait_for("ready")
    os.killpg(supervised.parent.pid, signal.SIGINT)  # what a terminal does: the whole foreground group
    supervised.wait_for("signal 1")
    time.sleep(0.3)
    assert supervised.entries == ["ready", "signal 1"]


def test_a_signal_between_two_workers_ends_the_wait(family):
    supervised = family(FAILING)
    supervised.wait_for("ready", 2)
    supervised.parent.terminate()
    assert supervised.parent.wait(10) in (0, 9)  # 9: the signal found a worker that was ending by itself


def test_the_worker_stops_when_its_parent_is_killed(family):
    supervised = family(PATIENT)
    supervised.wait_for("ready")
    worker = supervised.worker()
    supervised.parent.kill()
    assert psutil.wait_procs([worker], timeout=10)[1] == []
    supervised.wait_for("stopped")
