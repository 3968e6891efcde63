"""The npm package ``rivetkit``, and the script that uses it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def rivetkit(npm_install):
    """A directory with the package and the script."""
    return npm_install("rivetkit", [HERE / "package.json", HERE / "client.mjs"])


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
