"""Rivet's JSON: what plain JSON has no form for travels as a pair with a tag, such as ``["$BigInt", "10"]``.

A real array of two whose first item is text that begins with ``$`` gets one more ``$``.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

BIG_INT, ARRAY_BUFFER, UINT8_ARRAY, UNDEFINED, SET = (
    "$BigInt", "$ArrayBuffer", "$Uint8Array", "$Undefined", "$Set",
)  # fmt: skip
LARGEST_NUMBER = 2**53 - 1  # beyond it JavaScript's numbers skip some
DIGITS = re.compile(r"-?[0-9]{1,4300}")  # as many as Python reads


class TagInvalid(ValueError):
    """A tagged pair that stands for nothing."""


class Undefined:
    """JavaScript's ``undefined``: left out of objects, None elsewhere."""


def decode(value: Any) -> Any:
    """What loaded JSON stands for: ints, bytes; sets become lists. Raises ``TagInvalid``."""
    decoded = decode_inner(value)
    return None if decoded is Undefined else decoded


def decode_inner(value: Any) -> Any:
    if isinstance(value, dict):
        members = {name: decode_inner(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not Undefined}
    if not isinstance(value, list):
        return value
    if is_tagged(value):
        return untagged(*value)
    return [decode(item) for item in value]


def is_tagged(value: list[Any]) -> bool:
    return len(value) == 2 and isinstance(value[0], str) and value[0].startswith("$")


def untagged(tag: str, content: Any) -> Any:
    if tag.startswith("$$"):
        return [tag[1:], decode(content)]
    if tag == UNDEFINED:
        return Undefined
    if tag == BIG_INT and isinstance(content, str) and DIGITS.fullmatch(content):
        return int(content)
    if tag in (ARRAY_BUFFER, UINT8_ARRAY) and isinstance(content, str):
        return binary(tag, content)
    if tag == SET and isinstance(content, list):
        return [decode(item) for item in content]
    raise TagInvalid(
        f"[{tag[:20]!r}, …] stands for nothing. An array of two that begins with such text is sent with one more $."
    )


def binary(tag: str, content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise TagInvalid(f"The text behind {tag} is not base64.") from None


def encode(value: Any) -> Any:
    """``value`` as JSON for Rivet's client. Raises ``ValueError`` for what has no form in JSON, such as NaN."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_NUMBER else [BIG_INT, str(int(value))]
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return [UINT8_ARRAY, base64.b64encode(value).decode()]
    if isinstance(value, Mapping):
        return {str(name): encode(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        items = [encode(item) for item in value]
        return [f"${items[0]}", items[1]] if is_tagged(items) else items
    if isinstance(value, set | frozenset):
        return [SET, [encode(item) for item in value]]
    if isinstance(value, BaseModel):
        return encode(value.model_dump(by_alias=True))
    return encode(to_jsonable_python(value, by_alias=True, bytes_mode="base64"))


def finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"JSON has no form for {value}.")
    return value
