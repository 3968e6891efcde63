"""What waiting for a message gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Completed(Generic[R]):
    """The message was handled. ``response`` is None where its receiver did not complete it with a reply."""

    id: str
    response: R
    error: None = None
    status: Literal["completed"] = "completed"


@dataclass(frozen=True, slots=True)
class TimedOut:
    """No outcome yet. The message is still stored and will be handled; ``wait_for(id)`` collects it later.

    ``error``: what its last attempt failed with, if one has.
    """

    id: str
    error: str | None = None
    response: None = None
    status: Literal["timed_out"] = "timed_out"


@dataclass(frozen=True, slots=True)
class Failed:
    """The message will not be tried again: dead-lettered, expired, cancelled, or its actor was destroyed."""

    id: str
    error: str
    response: None = None
    status: Literal["failed"] = "failed"


Result: TypeAlias = "Completed[R] | TimedOut | Failed"
AnyResult: TypeAlias = "Completed[Any] | TimedOut | Failed"
