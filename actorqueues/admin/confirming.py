"""What a person has seen and says yes to: it travels in the form that asks, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.http import Http404, HttpRequest

T = TypeVar("T")

FIELD = "confirmed"


def written(targets: Sequence[T], key_of: Callable[[T], str], mark_of: Callable[[T], str]) -> str:
    """One field for all: a form of a thousand fields is refused by Django's own limit."""
    return json.dumps({key_of(target): mark_of(target) for target in targets}, separators=(",", ":"))


def read(text: str) -> dict[str, str]:
    """Raises ``Http404`` for what no page of ours has written."""
    try:
        marks = json.loads(text)
    except (ValueError, RecursionError):
        raise Http404 from None
    if not isinstance(marks, dict) or not all(isinstance(mark, str) for mark in marks.values()):
        raise Http404
    return marks


def read_seen(request: HttpRequest, sees: Callable[[str], int] | None) -> int | None:
    """The number that travelled with the question, if there is one. Raises ``Http404`` where it is missing."""
    if sees is None:
        return None
    text = request.POST.get("seen", "")
    if not (text.isdecimal() and len(text) < 20):
        raise Http404
    return int(text)


@dataclass
class Confirmed(Generic[T]):
    """``changed``: those that are another one now, under the same key."""

    targets: list[T] = field(default_factory=list)
    changed: list[T] = field(default_factory=list)
    gone: int = 0

    @classmethod
    def of(
        cls,
        marks: dict[str, str],
        found: Sequence[T],
        key_of: Callable[[T], str],
        mark_of: Callable[[T], str],
    ) -> Confirmed[T]:
        """In the order in which they were shown."""
        by_key = {key_of(target): target for target in found}
        there = [(by_key[key], mark) for key, mark in marks.items() if key in by_key]
        same = [target for target, mark in there if mark_of(target) == mark]
        changed = [target for target, mark in there if mark_of(target) != mark]
        return cls(same, changed, len(marks) - len(there))
