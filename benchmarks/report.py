"""The results as tables: on a terminal, in a page of Markdown, as JSON."""

import json
import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.results import Result, figure

TITLES = {"postgresql": "PostgreSQL", "sqlite": "SQLite, NORMAL", "sqlite-full": "SQLite, FULL"}
HEADINGS = ("workload", "target", "measured", "verdict", "bare INSERTs", "ratio (wanted)", "how")
ALIGNED = ("---", "--:", "--:", "---", "--:", "--:", "---")
HOW = len(HEADINGS) - 1
BLOCK = "<!-- benchmarks: {} -->"
END = "<!-- end -->"
WIDTH = 130  # columns of a table in a log


def cells(result: Result) -> tuple[str, ...]:
    """In the order of ``HEADINGS``."""
    ratio, wanted = result.ratio, result.wanted_ratio
    return (
        result.name,
        figure(result.target, result.unit),
        figure(result.value, result.unit),
        result.verdict,
        f"{result.bare:,.0f}/s",
        "" if ratio is None else f"{ratio:.2f}" + ("" if wanted is None else f" ({wanted:.2f})"),
        result.note,
    )


def show(results: Sequence[Result]) -> None:
    console = Console()
    console = Console(width=max(console.width, WIDTH))
    for place, some in by_place(results).items():
        columns = [column for column in columns_of(some) if column != HOW]
        table = Table(title=TITLES[place])
        for column in columns:
            table.add_column(HEADINGS[column], justify="right" if column else "left")
        for result in some:
            row = cells(result)
            table.add_row(*(row[column] for column in columns), style="red" if result.shortfall else None)
        console.print(table)


def columns_of(results: Sequence[Result]) -> list[int]:
    """Those that say something about any of them."""
    rows = list(map(cells, results))
    return [column for column in range(len(HEADINGS)) if any(row[column] for row in rows)]


def by_place(results: Sequence[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.place, []).append(result)
    return found


def markdown(results: Sequence[Result], scale: float) -> str:
    parts = [conditions(scale)]
    for place, some in by_place(results).items():
        columns = columns_of(some)
        rows = [HEADINGS, ALIGNED, *map(cells, some)]
        lines = [f"| {' | '.join(row[column] for column in columns)} |" for row in rows]
        parts.append("\n".join([f"**{TITLES[place]}**", "", *lines]))
    return "\n\n".join(parts)


def conditions(scale: float) -> str:
    """Where and when, and how busy the machine was with other things."""
    load = f", load average {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    part = "" if scale == 1 else f" A scale of {scale:g}: shorter, and less telling."
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}{load}.{part}"
    )


def block(name: str) -> re.Pattern[str]:
    begin = re.escape(BLOCK.format(name))
    return re.compile(rf"(?<={begin}\n).*?(?=^{re.escape(END)}$)", re.DOTALL | re.MULTILINE)


def refuse_without_place(path: Path, name: str) -> None:
    """Before anything is measured. Raises ``SystemExit``."""
    if path.exists() and not block(name).search(path.read_text()):
        begin = BLOCK.format(name)
        raise SystemExit(f"{path} has no place for the tables: a line {begin} and, below, a line {END}")


def write_markdown(path: Path, name: str, results: Sequence[Result], scale: float) -> None:
    """Puts the tables between ``<!-- benchmarks: name -->`` and ``<!-- end -->`` of a page, or into a new file."""
    text = markdown(results, scale)
    if path.exists():
        path.write_text(block(name).sub(lambda _: f"\n{text}\n\n", path.read_text()))
    else:
        path.write_text(f"{BLOCK.format(name)}\n\n{text}\n\n{END}\n")


def write_json(path: Path, results: Sequence[Result], scale: float) -> None:
    document = {
        "conditions": conditions(scale),
        "scale": scale,
        "results": [one.as_json() for one in results],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
