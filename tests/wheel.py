"""``python -m tests.wheel DIRECTORY``: builds the wheel there from a clean copy, and prints where it is."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
# Left in place, what earlier builds and installs wrote beside the sources would find its way into the wheel.
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "*.sqlite3*")


def build_wheel(directory):
    """The path of a new wheel of everything that is in the project's directory now."""
    with tempfile.TemporaryDirectory() as clean:
        shutil.copytree(PROJECT, clean, ignore=LEFT_BEHIND, dirs_exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(directory),
            clean,
        ]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise RuntimeError(f"the wheel was not built:\n{built.stdout}{built.stderr}")
    (wheel,) = Path(directory).glob("*.whl")
    return wheel


if __name__ == "__main__":
    print(build_wheel(sys.argv[1]))
