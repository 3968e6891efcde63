"""The npm package ``rivetkit``, installed once a test run, and the script that uses it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import fasteners
import pytest

HERE = Path(__file__).resolve().parent
FILES = ("package.json", "client.mjs")
OFFLINE = ("EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ECONNRESET")
INSTALL = [
    "npm", "install", "--ignore-scripts", "--omit=optional", "--omit=peer", "--no-package-lock", "--no-audit",
    "--no-fund",
]  # fmt: skip


@pytest.fixture(scope="session")
def rivetkit(tmp_path_factory, worker_id):
    """A directory with the package and the script. Without npm or its registry the test is skipped."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("there is no node and npm here")
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":  # all processes of pytest-xdist use one installation
        shared = shared.parent
    directory = shared / "rivetkit"
    with fasteners.InterProcessLock(shared / "rivetkit.lock"):
        if not (directory / "node_modules" / "rivetkit").exists():
            install(directory)
    return directory


def install(directory):
    directory.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(HERE / name, directory)
    done = subprocess.run(INSTALL, cwd=directory, capture_output=True, text=True, timeout=280)
    output = done.stdout + done.stderr
    if done.returncode and any(sign in output for sign in OFFLINE):
        pytest.skip("npm reaches no registry")
    assert done.returncode == 0, output


def run_client(directory, endpoint, scenario, *arguments):
    """What the script was told."""
    done = subprocess.run(
        ["node", "client.mjs", endpoint, scenario, *arguments],
        cwd=directory,
        env={**os.environ, "RIVET_LOG_LEVEL": "error"},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])
