"""Durations as people write them: seconds, or a ``timedelta``."""

import math
from datetime import timedelta
from typing import TypeAlias

Duration: TypeAlias = int | float | timedelta


def seconds(duration: Duration, name: str = "duration") -> float:
    """``duration`` as float seconds; ``math.inf`` stays what it is.

    Raises ``TypeError`` for anything but seconds or a ``timedelta``, ``ValueError`` for NaN and for negative
    times; both say ``name``.
    """
    if isinstance(duration, timedelta):
        value = duration.total_seconds()
    elif isinstance(duration, int | float) and not isinstance(duration, bool):
        value = float(duration)
    else:
        raise TypeError(
            f"{name} must be seconds (int or float) or a timedelta, not {type(duration).__name__}."
        )
    if math.isnan(value) or value < 0:
        raise ValueError(f"{name} must be zero or more, not {duration!r}.")
    return value


def optional_seconds(duration: Duration | None, name: str = "duration") -> float | None:
    """Like ``seconds``, and None stays None."""
    return None if duration is None else seconds(duration, name)
