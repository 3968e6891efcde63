"""Type checkers accept the right uses and refuse every wrong one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RIGHT, WRONG = HERE / "right.py", HERE / "wrong.py"


def run(*command):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """``{file name: lines with an error}``"""
    pytest.importorskip("mypy")
    cache = tmp_path_factory.mktemp("mypy")
    command = (sys.executable, "-m", "mypy", "--strict", f"--cache-dir={cache}", str(RIGHT), str(WRONG))
    result = run(*command, "--follow-imports=silent")
    assert result.returncode in (0, 1), result.stdout + result.stderr
    found = re.findall(r"(\w+\.py):(\d+): error: (.*)", result.stdout)
    return by_file((name, int(line), text) for name, line, text in found)


@pytest.fixture(scope="module")
def pyright():
    pytest.importorskip("pyright")
    command = (sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson")
    result = run(*command, str(RIGHT), str(WRONG))
    try:
        diagnostics = json.loads(result.stdout)["generalDiagnostics"]
    except ValueError:
        pytest.skip(f"pyright does not run here, it needs node: {result.stderr.strip()[-200:]}")
    errors = (one for one in diagnostics if one["severity"] == "error")
    return by_file(
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1, one["message"]) for one in errors
    )


def by_file(found):
    errors = {RIGHT.name: {}, WRONG.name: {}}
    for name, line, text in found:
        errors.setdefault(name, {})[line] = text
    return errors


def marked_lines():
    lines = WRONG.read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_right_uses_are_accepted(request, checker):
    assert request.getfixturevalue(checker)[RIGHT.name] == {}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_every_wrong_use_is_refused_and_nothing_else(request, checker):
    errors = request.getfixturevalue(checker)[WRONG.name]
    wrong = marked_lines()
    assert len(wrong) > 40
    assert sorted(wrong - set(errors)) == [], "these are wrong, and were accepted"
    assert {line: text for line, text in errors.items() if line not in wrong} == {}
