"""The charts of the overview, as data: ``static/actorqueues/admin/charts.js`` draws them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext as _

from actorqueues.diagnosis.statistics import Point, Recent
from actorqueues.templatetags.actorqueues_admin import DURATIONS, amount, seconds


@dataclass(frozen=True)
class Chart:
    """``data``: JSON for the script; ``summary``: in words; ``rows``: the same as a table."""

    title: str
    kind: str
    data: str
    summary: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def charts(statistics: Recent) -> list[Chart]:
    hour, day = statistics.hour, statistics.day
    return [
        counts(_("Messages, last hour by minute"), hour),
        latencies(_("Latency, last hour by minute"), hour),
        counts(_("Messages, last day by hour"), day),
        latencies(_("Latency, last day by hour"), day),
    ]


def counts(title: str, points: Sequence[Point]) -> Chart:
    labels = [_("settled"), _("sent"), _("failed"), _("dead")]
    values = [[getattr(point, name) for point in points] for name in ("settled", "sent", "failed", "dead")]
    roles = ["settled", "sent", "failed", "dead"]
    settled, failed = sum(values[0]), sum(values[2])
    summary = _("%(settled)s settled, %(failed)s failed attempts, %(dead)s dead letters") % {
        "settled": amount(settled),
        "failed": amount(failed),
        "dead": amount(sum(values[3])),
    }
    rows = [[clock(point), *map(amount, numbers)] for point, *numbers in zip(points, *values, strict=True)]
    return Chart(title, "counts", packed(points, labels, values, roles), summary, [_("From"), *labels], rows)


def latencies(title: str, points: Sequence[Point]) -> Chart:
    labels = [_("half within"), _("99 % within")]
    values = [[point.p50 for point in points], [point.p99 for point in points]]
    worst = max((value for value in values[1] if value is not None), default=None)
    summary = _("99 %% within %(time)s at worst, from sending to settlement") % {"time": seconds(worst)}
    if worst is None:
        summary = _("Nothing was settled")
    rows = [[clock(point), seconds(point.p50), seconds(point.p99)] for point in points]
    return Chart(
        title, "latency", packed(points, labels, values, ["p50", "p99"]), summary, [_("From"), *labels], rows
    )


def packed(points: Sequence[Point], labels: Any, values: Any, roles: Sequence[str]) -> str:
    series = [
        {"label": label, "values": numbers, "role": role}
        for label, numbers, role in zip(labels, values, roles, strict=True)
    ]
    x = [int(point.began_at.timestamp()) for point in points]
    durations = {unit: str(text) for unit, text in DURATIONS.items()}
    return json.dumps({"x": x, "series": series, "durations": durations, "zone": zone()})


def zone() -> str:
    """Django's current time zone as browsers know it: by its name, or by its offset where it has none."""
    current = get_current_timezone()
    offset = f"{localtime():%z}"
    return getattr(current, "key", None) or f"{offset[:3]}:{offset[3:5]}"


def clock(point: Point) -> str:
    return f"{localtime(point.began_at):%H:%M}"
