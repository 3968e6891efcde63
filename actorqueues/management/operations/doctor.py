from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.management.color import color_style, no_style

from actorqueues.diagnosis.doctor import examine
from actorqueues.diagnosis.findings import LEVELS, Finding, worst
from actorqueues.management.sending import actors_on

HELP = "look for what is wrong, and say what to do"
ABOUT = (
    "Looks at settings, migrations, the database, workers and mail, and says what it sees and what to do. It reads "
    "only, and takes a few seconds. The exit code is 1 if there is an error, so that a deploy can stop; warnings do "
    "not count. docs/reference/doctor.md explains every finding by its id."
)
EXAMPLES = ("doctor", "doctor --level warning", "doctor --json | jq '.[] | select(.level==\"error\")'")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--level", choices=LEVELS, default="ok", help="show only findings of this level and above"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    shown = LEVELS[LEVELS.index(options["level"]) :]
    found: list[Finding] = []
    paint = painter(output, options)
    with actors_on(options["database"]):
        for finding in examine(options["database"]):
            found.append(finding)
            if finding.level in shown and not options["json"]:
                show(finding, output, paint)
    if options["json"]:
        rows = [asdict(one) | {"page": one.page} for one in found if one.level in shown]
        output.write(json.dumps(rows, indent=2))
    else:
        output.write(summary(found))
    return int(worst(found) == "error")


def show(finding: Finding, output: OutputWrapper, paint: Callable[[str, str], str]) -> None:
    output.write(f"{paint(finding.level, f'{finding.level:<8}')}{finding.id:<30} {finding.seen}")
    if finding.advice:
        output.write(f"{'':<8}{'':<30} -> {finding.advice}")


def painter(output: OutputWrapper, options: dict[str, Any]) -> Callable[[str, str], str]:
    plain = options.get("no_color") or not output.isatty()
    style = no_style() if plain else color_style()
    colours = {"ok": style.SUCCESS, "info": style.NOTICE, "warning": style.WARNING, "error": style.ERROR}
    return lambda level, text: str(colours[level](text))


def summary(found: list[Finding]) -> str:
    levels = [finding.level for finding in found]
    bad = [many(levels.count(level), level) for level in ("error", "warning") if level in levels]
    if not bad:
        return "\nAll is well."
    return f"\n{', '.join(bad)}. Each id is explained in docs/reference/doctor.md."


def many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
