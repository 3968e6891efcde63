"""One request and what its answer means; and its course, with the tries it takes, for either kind of client."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import httpx

from actorqueues.remote.errors import Unreachable, raise_for

T = TypeVar("T")

TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds before the second try, and at most
AWAY = frozenset({502, 503, 504})


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


Outcome: TypeAlias = httpx.Response | httpx.TransportError
Course: TypeAlias = Generator[Exchange[Any] | float, Outcome | None, T]
"""Yields what is to be asked, and is sent its outcome; yields seconds to sleep. Returns what came of it."""


def ask(exchange: Exchange[T]) -> Course[T]:
    """Raises what the service refuses with, ``RemoteError``, ``Unreachable``."""
    attempt = 1
    while True:
        outcome = yield exchange
        assert outcome is not None
        if attempt == TRIES or not may_try_again(exchange, outcome):
            break
        yield min(FIRST_PAUSE * 2.0 ** (attempt - 1), LONGEST_PAUSE) * random.uniform(0.5, 1.0)
        attempt += 1
    if isinstance(outcome, httpx.TransportError):
        raise Unreachable(problem=str(outcome) or type(outcome).__name__) from outcome
    said = json_of(outcome)
    raise_for(outcome.status_code, said)
    return exchange.read(said)


def may_try_again(exchange: Exchange[Any], outcome: Outcome) -> bool:
    """What was never sent may always be tried again."""
    if isinstance(outcome, httpx.Response):
        return exchange.repeatable and outcome.status_code in AWAY
    return exchange.repeatable or isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout)


def json_of(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
