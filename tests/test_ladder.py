"""The house keeps its shape: imports go downwards, modules and functions stay small."""

import ast
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "actorqueues"

LEVELS = {
    0: ("exceptions", "conf", "bridge", "clock", "durations", "signals", "singletons"),
    1: ("definitions",),
    2: ("models", "migrations", "storage", "wakeups"),
    3: ("client", "mailbox", "events", "access"),
    4: ("workflows", "schedules"),
    5: ("runtime", "diagnosis"),
    6: ("web",),
    7: (
        "admin",
        "api",
        "asgi",
        "backends",
        "checks",
        "consumers",
        "gateway",
        "management",
        "metrics",
        "middleware",
        "remote",
        "testing",
    ),
}
LEVEL_OF = {part: level for level, parts in LEVELS.items() for part in parts}
EDGES = LEVELS[7]
EDGES_AND_THEIR_GROUND = LEVELS[6] + EDGES
DJANGO_WANTS_APART = {"templatetags": "admin"}
WIRING = {"apps", "__init__"}  # apps.py joins the parts, __init__.py shows the public names
EDGE_LIBRARIES = ("rest_framework", "channels", "django.tasks")
UNTELLING_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "managers",
    "core",
    "base_utils",
}

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50
LONG_FUNCTION_LINES = 25
MOST_LONG_FUNCTIONS = 12


@dataclass(frozen=True)
class Module:
    path: Path
    tree: ast.Module

    @property
    def name(self):
        return str(self.path.relative_to(ROOT.parent))

    @property
    def part(self):
        """The rung it belongs to: its first folder, or itself at the top."""
        part = self.path.relative_to(ROOT).parts[0].removesuffix(".py")
        return DJANGO_WANTS_APART.get(part, part)

    @property
    def package(self):
        return ".".join(self.path.relative_to(ROOT.parent).parent.parts)

    def imported(self):
        """``(line, dotted name)`` of everything that it really imports, at whatever depth."""
        for node in runtime_nodes(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = node.module or ""
                if node.level:
                    above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
                    source = ".".join([*above, source] if source else above)
                yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)

    def imported_parts(self):
        """``(line, rung)`` of what it imports from this project."""
        for line, name in self.imported():
            if name == "actorqueues.__version__":
                continue
            if name == "actorqueues" or name.startswith("actorqueues."):
                part = name.split(".")[1] if "." in name else "__init__"
                is_module = (ROOT / part).is_dir() or (ROOT / f"{part}.py").exists()
                yield line, DJANGO_WANTS_APART.get(part, part) if is_module else "__init__"


def runtime_nodes(node):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from runtime_nodes(other)
        else:
            yield child
            yield from runtime_nodes(child)


MODULES = [Module(path, ast.parse(path.read_text())) for path in sorted(ROOT.rglob("*.py"))]
LADDER = [module for module in MODULES if module.part not in WIRING]


def test_every_module_has_its_rung():
    unknown = sorted({module.part for module in LADDER} - set(LEVEL_OF))
    assert not unknown, f"not in DESIGN's ladder: {unknown}. Give them a rung there and in LEVELS."


def test_imports_go_downwards_only():
    wrong = [
        f"{module.name}:{line} imports {part} (level {LEVEL_OF.get(part, 'public names')})"
        for module in LADDER
        for line, part in module.imported_parts()
        if part in WIRING or LEVEL_OF[part] > LEVEL_OF[module.part]
    ]
    assert not wrong, "\n".join(wrong)


def test_edges_do_not_import_each_other():
    wrong = [
        f"{module.name}:{line} imports {part}"
        for module in LADDER
        if module.part in EDGES
        for line, part in module.imported_parts()
        if part in EDGES and part != module.part
    ]
    assert not wrong, "\n".join(wrong)


def test_neighbours_on_a_rung_do_not_import_in_a_circle():
    used = defaultdict(set)
    for module in LADDER:
        used[module.part] |= {part for _, part in module.imported_parts()} - {module.part}
    circles = sorted(
        (part, other) for part in used for other in used[part] if part in reached_from(other, used)
    )
    assert not circles, f"these import each other, perhaps through others: {circles}"


def reached_from(part, used):
    seen, ahead = set(), [part]
    while ahead:
        for other in used.get(ahead.pop(), ()):
            if other not in seen:
                seen.add(other)
                ahead.append(other)
    return seen


@pytest.mark.parametrize("library", EDGE_LIBRARIES)
def test_only_edges_know(library):
    wrong = [
        f"{module.name}:{line}"
        for module in LADDER
        if module.part not in EDGES_AND_THEIR_GROUND
        for line, name in module.imported()
        if name == library or name.startswith(f"{library}.")
    ]
    assert not wrong, f"imports {library} below the edges: {wrong}"


def test_definitions_know_no_database():
    wrong = [
        f"{module.name}:{line} {name}"
        for module in LADDER
        if LEVEL_OF[module.part] < 2
        for line, name in module.imported()
        if name.startswith("django.db")
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_have_telling_names_and_one_concept():
    written = [module for module in MODULES if module.part != "migrations"]
    long = {module.name: len(module.path.read_text().splitlines()) for module in written}
    assert not {name: lines for name, lines in long.items() if lines > MAX_MODULE_LINES}
    assert not [module.name for module in MODULES if UNTELLING_NAMES & set(module.path.with_suffix("").parts)]


def test_functions_are_short():
    lengths = {
        f"{module.name}:{node.lineno} {node.name}": length_of(node)
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    long = {name: lines for name, lines in lengths.items() if lines > LONG_FUNCTION_LINES}
    assert not {name: lines for name, lines in long.items() if lines > MAX_FUNCTION_LINES}
    assert len(long) <= MOST_LONG_FUNCTIONS, "\n".join(f"{lines} {name}" for name, lines in long.items())


def length_of(function):
    """Its lines without decorators, signature and docstring: many parameters are no long function."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0
