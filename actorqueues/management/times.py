"""Ages and moments on the command line."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def age(text: str) -> timedelta:
    """``7d``, ``12h``, ``30m``, ``45s``, ``2w``."""
    match = AGE.fullmatch(text.strip())
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not an age: write a number and s, m, h, d or w, such as 7d")
    try:
        return timedelta(seconds=float(match[1]) * UNITS[match[2]])
    except OverflowError:
        raise ArgumentTypeError(f"{text!r} is too long ago") from None


def moment(text: str) -> datetime:
    """An age ago, or a date or date and time (in the current time zone where it names none)."""
    if AGE.fullmatch(text.strip()):
        return timezone.now() - age(text)
    try:
        found = parse_datetime(text) or midnight(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(
            f"{text!r} is not a time: write an age such as 7d, a date such as 2026-01-31, "
            f"or a date and time such as 2026-01-31T12:00"
        )
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def midnight(text: str) -> datetime | None:
    day = parse_date(text)
    return None if day is None else datetime(day.year, day.month, day.day)


def local(value: datetime) -> str:
    """For people: to the second, in the current time zone."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
