"""``python -m tests.lowest``: the oldest versions that we say we work with, as constraints for pip."""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[\w-]+)(\[[\w,]+\])?>=(?P<version>[\d.]+)")


def lowest_versions():
    """``["django==5.2", …]`` of what the app and its extra ``postgres`` need."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["postgres"]
    bounds = [BOUND.match(requirement) for requirement in wanted]
    return [f"{bound['name']}=={bound['version']}" for bound in bounds if bound]


if __name__ == "__main__":
    print("\n".join(lowest_versions()))
