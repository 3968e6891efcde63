"""The demo, as a visitor runs it."""

import os
import subprocess
import sys

import pytest

from tests.wheel import PROJECT


@pytest.mark.parametrize("times", [1, 2])
def test_the_demo_checks_itself(tmp_path_factory, times):
    """Twice on one file: what an earlier visit left must not confuse it."""
    database = tmp_path_factory.getbasetemp() / "demo.sqlite3"
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{database}"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    tour = subprocess.run(
        [sys.executable, "manage.py", "demo", "--check"],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert tour.returncode == 0, tour.stdout
    assert tour.stdout.count("✓") >= 10, tour.stdout
    assert "✗" not in tour.stdout
