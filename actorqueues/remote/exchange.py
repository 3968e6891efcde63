"""One request and what its answer means; and its course, with the tries it takes, for either kind of client."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import httpx

from actorqueues.remote.errors import Unreachable, raise_for, raise_unreadable

T = TypeVar("T")

TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds before the second try, and at most
AWAY = frozenset({502, 503, 504})
SHORTEST = 0.001  # seconds: httpx takes 0 for "do not wait at all"


@dataclass(frozen=True, slots=True)
class Exchange(Generic[T]):
    """``read`` is given the JSON of a good answer. ``takes``: seconds that the answer may be waited for on purpose."""

    method: str
    path: str
    read: Callable[[Any], T]
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    takes: float = 0.0
    repeatable: bool = True
    """Whether it does the same when it is done twice. Sends do: they carry an idempotency key."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of an exchange. All tries share ``until``, and ``waits_until`` for what is waited for on purpose."""

    exchange: Exchange[Any]
    waits_until: float
    until: float

    @property
    def left(self) -> float:
        return max(self.until - time.monotonic(), SHORTEST)

    @property
    def json(self) -> Any:
        """A later try waits only for what is left of the time that its caller gave."""
        said = self.exchange.json
        if not self.exchange.takes:
            return said
        return {**said, "timeout": max(self.waits_until - time.monotonic(), 0.0) * 1000}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes

    @property
    def json(self) -> Any:
        """None where it is no JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None


Outcome: TypeAlias = Answer | httpx.TransportError
Course: TypeAlias = Generator[Attempt | float, Outcome | None, T]
"""Yields what is to be asked, and is sent its outcome; yields seconds to sleep. Returns what came of it."""


def ask(exchange: Exchange[T], answer_in: float) -> Course[T]:
    """``answer_in``: seconds that all tries have together, beyond what is waited for on purpose.

    Raises what the service refuses with, ``RemoteError``, ``Unreachable``.
    """
    begun = time.monotonic()
    waits_until = begun + exchange.takes
    until = waits_until + answer_in
    attempt = 1
    while True:
        outcome = yield Attempt(exchange, waits_until, until)
        assert outcome is not None
        pause = min(FIRST_PAUSE * 2.0 ** (attempt - 1), LONGEST_PAUSE) * random.uniform(0.5, 1.0)
        is_over = attempt == TRIES or time.monotonic() + pause >= until
        if is_over or not may_try_again(exchange, outcome):
            break
        yield pause
        attempt += 1
    if isinstance(outcome, httpx.TransportError):
        raise Unreachable(problem=told(outcome, time.monotonic() - begun)) from outcome
    raise_for(outcome.status, outcome.json)
    return read(exchange, outcome)


def read(exchange: Exchange[T], answer: Answer) -> T:
    """Something between here and the service may have answered in its place."""
    said = answer.json
    if not isinstance(said, dict):
        raise_unreadable(answer.status)
    try:
        return exchange.read(said)
    except KeyError:
        raise_unreadable(answer.status)


def may_try_again(exchange: Exchange[Any], outcome: Outcome) -> bool:
    """What was never sent may always be tried again."""
    if isinstance(outcome, Answer):
        return exchange.repeatable and outcome.status in AWAY
    return exchange.repeatable or isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout)


def told(error: httpx.TransportError, seconds: float) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"there was no answer in {seconds:.1f} seconds"
    return str(error) or type(error).__name__
