"""One measured figure, and what was wanted of it."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from benchmarks.targets import REFERENCE_CORES, REFERENCE_INSERTS, TARGETS

COUNTED = {"threads", "connections", "queries"}
LESS_IS_BETTER = {
    "ms",
    "kB",
    "%",
    "+ms",
    "+MB",
    "+%",
    "threads",
    "connections",
    "queries",
}  # with a plus: above the same without


@dataclass(frozen=True)
class Result:
    name: str
    value: float
    unit: str  # /s, x, or one of LESS_IS_BETTER
    note: str = ""
    place: str = ""  # which database
    bare: float = 0.0  # one-row INSERTs a second on the bare database, just before and after

    @property
    def target(self) -> float | None:
        return TARGETS.get(self.name, {}).get(self.place)

    @property
    def ratio(self) -> float | None:
        """To the bare database: rates to its INSERTs a second, times to that of one INSERT."""
        return to_bare(self.value, self.unit, self.bare)

    @property
    def wanted_ratio(self) -> float | None:
        """What the target is to the bare database of the machine that it was set on."""
        return None if self.target is None else to_bare(self.target, self.unit, REFERENCE_INSERTS[self.place])

    @property
    def shortfall(self) -> float | None:
        """0 when held, else the part by which it was missed. None without a target."""
        value, wanted = self.value, self.target
        if (os.cpu_count() or 1) != REFERENCE_CORES and self.ratio and self.wanted_ratio:
            value, wanted = self.ratio, self.wanted_ratio
        if wanted is None:
            return None
        return max(0.0, value / wanted - 1 if self.unit in LESS_IS_BETTER else 1 - value / wanted)

    @property
    def verdict(self) -> str:
        if self.shortfall is None:
            return ""
        return "held" if self.shortfall == 0 else f"missed by {self.shortfall * 100:.0f} %"

    def as_json(self) -> dict[str, Any]:
        derived = {"target": self.target, "ratio": self.ratio, "verdict": self.verdict}
        return asdict(self) | derived

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Result:
        return cls(**{one.name: values[one.name] for one in fields(cls)})

    def at(self, place: str, bare: float) -> Result:
        return replace(self, place=place, bare=bare)


def to_bare(value: float, unit: str, inserts: float) -> float | None:
    if not inserts or unit not in ("/s", "ms"):
        return None
    return value / inserts if unit == "/s" else value * inserts / 1000


def figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "/s":
        return f"{value:,.0f}/s"
    if unit in COUNTED:
        return f"{value:.0f}"
    if unit == "x":
        return f"{value:.2f}"
    digits = 2 if abs(value) < 10 else 1
    return f"{value:{'+' if unit[0] == '+' else ''}.{digits}f} {unit.lstrip('+')}"


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
