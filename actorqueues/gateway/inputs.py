"""The inputs of new actors: CBOR as Rivet's client writes it, in base64."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from actorqueues.gateway.tags import UNDEFINED, decode

try:
    import cbor2
except ImportError as error:
    raise ImproperlyConfigured(
        "The gateway for Rivet's client reads CBOR: pip install 'actorqueues[rivet]'"
    ) from error

BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
MAP_TAG = 259  # of a JavaScript Map
MOST_DEPTH = 200
PLAIN_BELOW = 1e21  # from here on JavaScript writes whole numbers with an exponent, which are floats in JSON


class InputInvalid(ValueError):
    """Not what Rivet's client would send as an input."""


def decode_input(text: str) -> Any:
    """Of base64, with either alphabet and with or without padding. Raises ``InputInvalid``."""
    data = from_base64(text)
    try:
        return decode(plain(cbor2.loads(data), Budget(len(data)), MOST_DEPTH))
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputInvalid(f"The input is not the CBOR of a JSON value: {error}") from None


def from_base64(text: str) -> bytes:
    standard = text.translate(str.maketrans("-_", "+/"))
    unpadded = standard.rstrip("=")
    if not BASE64.fullmatch(standard) or len(unpadded) % 4 == 1:
        raise InputInvalid("The input is not base64.")
    return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4))


class Budget:
    """CBOR may name one value many times, so that a few bytes stand for millions of values."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise InputInvalid("it stands for more values than it has bytes")


def plain(value: Any, budget: Budget, depth: int) -> Any:
    """As ``json.loads`` would give it, with tags. Bytes and times stay as they are."""
    budget.take()
    if depth == 0:
        raise InputInvalid(f"it is nested more than {MOST_DEPTH} deep")
    if isinstance(value, float):
        return number(value)
    if value is None or isinstance(value, str | bool | int | bytes | datetime | date):
        return value
    if value is cbor2.undefined:
        return [UNDEFINED, 0]
    if isinstance(value, cbor2.CBORTag) and value.tag == MAP_TAG:
        value = value.value
    if isinstance(value, Mapping):
        return {name_of(name): plain(member, budget, depth - 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, budget, depth - 1) for item in value]
    raise InputInvalid(f"JSON has no form for {type(value).__name__}")


def number(value: float) -> int | float:
    if not math.isfinite(value):
        raise InputInvalid(f"JSON has no form for {value}")
    # JavaScript's encoder writes 2**32 as a float.
    return int(value) if value.is_integer() and abs(value) < PLAIN_BELOW else value


def name_of(name: Any) -> str:
    if isinstance(name, str | int):
        return str(name)
    raise InputInvalid(f"{type(name).__name__} is no name of a member")
