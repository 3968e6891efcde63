from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "info", "warning", "error"]

LEVELS: tuple[Level, ...] = ("ok", "info", "warning", "error")
CHECK = "actorqueues."  # what the id of a system check begins with


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was seen, with its numbers, and what to do where something is wrong."""

    level: Level
    id: str
    seen: str
    advice: str = ""

    @property
    def page(self) -> str:
        """Where it is explained, below ``docs/``."""
        if self.id.startswith(CHECK):
            return "reference/checks.md"
        return f"reference/doctor.md#{self.id}"


def ok(id: str, seen: str) -> Finding:
    return Finding("ok", id, seen)


def info(id: str, seen: str, advice: str = "") -> Finding:
    return Finding("info", id, seen, advice)


def warning(id: str, seen: str, advice: str) -> Finding:
    return Finding("warning", id, seen, advice)


def error(id: str, seen: str, advice: str) -> Finding:
    return Finding("error", id, seen, advice)


def worst(findings: Iterable[Finding]) -> Level:
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")


def some(names: Iterable[object], most: int = 5) -> str:
    """``a, b, c and 4 more``"""
    texts = [str(name) for name in names]
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``, ``2.1 days``"""
    number, unit = measured(seconds)
    return f"{number} {unit}"


def measured(seconds: float) -> tuple[str, str]:
    """A number that people like to read, and its unit: ``s``, ``min``, ``h`` or ``days``."""
    for limit, size, decimals, unit in ((120, 1, 0, "s"), (7200, 60, 0, "min"), (172800, 3600, 1, "h")):
        if seconds < limit:
            return f"{seconds / size:.{decimals}f}", unit
    return f"{seconds / 86400:.1f}", "days"
