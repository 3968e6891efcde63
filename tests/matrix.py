"""``python -m tests.matrix``: the suite on every interpreter found here, with every Django that supports it.

Arguments after ``--`` go to pytest: ``python -m tests.matrix -- -x tests/client``.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
OLDEST_PYTHON = {"5.2": (3, 11), "6.0": (3, 12), "6.1": (3, 12)}  # of those that we support


@dataclass(frozen=True)
class Cell:
    """One interpreter with one Django."""

    python: tuple[int, int]
    executable: str
    django: str

    @property
    def name(self):
        return f"py{dotted(self.python)}-django{self.django}"


def dotted(version):
    return ".".join(map(str, version))


def interpreters():
    """``{(3, 11): "/usr/bin/python3.11"}`` of those that really start: on PATH first, then under pyenv."""
    found = {}
    for version in PYTHONS:
        for candidate in candidates(dotted(version)):
            if version_of(candidate) == version:
                found[version] = candidate
                break
    return found


def candidates(version):
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = root.glob(f"versions/{version}.*/bin/python")
    yield from map(
        str, sorted(installed, key=lambda path: list(map(int, re.findall(r"\d+", path.parts[-3]))))
    )


def version_of(executable):
    code = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([executable, "-c", code], capture_output=True, text=True, check=False)
    return tuple(map(int, answer.stdout.split())) if answer.returncode == 0 else None


def cells():
    return [
        Cell(python, executable, django)
        for python, executable in interpreters().items()
        for django, oldest in OLDEST_PYTHON.items()
        if python >= oldest
    ]


def run(cell, cache, pytest_arguments):
    """``(what came of it, seconds)`` of one cell, in a virtual environment made anew."""
    started = time.monotonic()
    environment = cache / cell.name
    print(f"\n=== {cell.name} ({cell.executable})", flush=True)
    shutil.rmtree(environment, ignore_errors=True)
    python = str(environment / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = (
        [cell.executable, "-m", "venv", str(environment)],
        [*install, "-e", ".[test]", f"django~={cell.django}.0"],
        [python, "-m", "pytest", "-q", *pytest_arguments],
    )
    names = ("no venv", "not installed", "failed")
    for name, step in zip(names, steps, strict=True):
        if subprocess.run(step, cwd=PROJECT, check=False).returncode != 0:
            return name, time.monotonic() - started
    return "passed", time.monotonic() - started


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="show what would run")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="only cells with this in their name: py3.13"
    )
    parser.add_argument(
        "--cache", type=Path, default=PROJECT / ".cache" / "matrix", help="where environments go"
    )
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    options = parser.parse_args(arguments)
    chosen = [cell for cell in cells() if options.only in cell.name]
    if not chosen:
        parser.error("no interpreter of " + ", ".join(map(dotted, PYTHONS)) + " was found that fits")
    if options.list:
        print("\n".join(f"{cell.name:22} {cell.executable}" for cell in chosen))
        return 0
    results = {cell: run(cell, options.cache, options.pytest) for cell in chosen}
    print(
        "\n" + "\n".join(f"{cell.name:22} {text:14} {took:5.0f} s" for cell, (text, took) in results.items())
    )
    return 0 if all(text == "passed" for text, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
