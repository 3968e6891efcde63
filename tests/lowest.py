"""``python -m tests.lowest``: the oldest versions that we say we work with, as constraints for pip."""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[\w-]+)(\[[\w,]+\])?>=(?P<version>[\d.]+)")
TOOLS = ("test", "dev")  # extras of whoever works on the app, not of whoever runs it


def runtime_requirements():
    """Of the app and of every extra that its users install."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    extras = project["optional-dependencies"].items()
    return project["dependencies"] + [one for name, needs in extras if name not in TOOLS for one in needs]


def lowest_versions():
    """``["django==5.2", …]``"""
    bounds = [BOUND.match(requirement) for requirement in runtime_requirements()]
    return [f"{bound['name']}=={bound['version']}" for bound in bounds if bound]


if __name__ == "__main__":
    print("\n".join(lowest_versions()))
