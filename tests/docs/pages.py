"""The Python of README.md and docs/: every page is a module, its blocks in the order of the page.

A block below ``<!-- not run: reason -->`` is only compiled.
"""

import ast
import asyncio
import inspect
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from actorqueues.definitions.registry import registry

PROJECT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r"(?P<mark><!-- not run: (?P<reason>[^>]+?) -->\n\n?)?^```python[^\n]*\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Snippet:
    """One block: its code, the line that it begins at, and why it is not run."""

    page: Path
    line: int
    code: str
    not_run: str | None

    def compiled(self):
        padded = "\n" * (self.line - 1) + self.code  # so that a traceback names the page's own line
        return compile(padded, str(self.page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    def run(self, namespace):
        result = eval(self.compiled(), namespace)
        if inspect.iscoroutine(result):
            asyncio.run(result)


def pages():
    """README.md and every page below docs/ but the notes on the work itself."""
    found = (PROJECT / "docs").rglob("*.md")
    return [PROJECT / "README.md", *sorted(page for page in found if "progress" not in page.parts)]


def snippets(page):
    text = page.read_text()
    return [
        Snippet(page, text.count("\n", 0, match.start("code")) + 1, match["code"], match["reason"])
        for match in BLOCK.finditer(text)
    ]


@contextmanager
def page_module(page):
    """A module for the page's blocks. The actors that they define are forgotten afterwards."""
    module = ModuleType("page_" + re.sub(r"\W", "_", str(page.relative_to(PROJECT))))
    known = registry.all()
    sys.modules[module.__name__] = module
    try:
        yield module
    finally:
        del sys.modules[module.__name__]
        for actor_class in set(registry.all()) - set(known):
            registry.unregister(actor_class)
        for actor_class in set(known) - set(registry.all()):
            registry.register(actor_class)
