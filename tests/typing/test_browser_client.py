"""TypeScript accepts the right uses of the browser client and refuses every wrong one."""

import re
import subprocess
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import find

from tests.fixtures.npm import npm_install as npm_install

HERE = Path(__file__).resolve().parent / "browser"
OPTIONS = [
    "--strict",
    "--noEmit",
    "--target",
    "es2022",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
]
USES = (HERE / "uses.ts").read_text()
WRONG = "// @ts-expect-error"


@pytest.fixture
def typescript(npm_install):
    types = Path(find("actorqueues/client.d.ts"))
    return npm_install("typescript", [HERE / "package.json", HERE / "uses.ts", types])


def errors_of(directory, name, text):
    """``{line: error}``"""
    (directory / name).write_text(text)
    command = ["node", "node_modules/typescript/bin/tsc", *OPTIONS, name]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode == 0) == (not done.stdout), done.stdout + done.stderr
    return {
        int(line): text
        for line, text in re.findall(r"^\S+\((\d+),\d+\): error (.*)", done.stdout, re.MULTILINE)
    }


def test_right_uses_are_accepted_and_wrong_ones_refused(typescript):
    assert errors_of(typescript, "uses.ts", USES) == {}


def test_each_wrong_use_is_an_error_where_it_is(typescript):
    marked = [number for number, line in enumerate(USES.splitlines(), 1) if WRONG in line]
    found = errors_of(typescript, "unmarked.ts", USES.replace(WRONG, "//"))
    assert sorted(found) == [number + 1 for number in marked] != []


def test_what_the_types_export_is_what_the_module_exports():
    exported = re.compile(r"^export (?:async )?(?:declare )?(?:function|class|const) (\w+)", re.M)
    module, types = (Path(find(f"actorqueues/client.{kind}")).read_text() for kind in ("js", "d.ts"))
    assert set(exported.findall(types)) == set(exported.findall(module)) != set()
