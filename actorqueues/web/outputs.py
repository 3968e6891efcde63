"""What an action returned, on its way out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actorqueues.definitions.action import Action
from actorqueues.definitions.schema import Schema
from actorqueues.exceptions import OutputInvalid
from actorqueues.web.arguments import nests_deeper

ANY = Schema(Any)
MOST_NESTED = 200  # levels, as JSON may have that comes in here


@contextmanager
def making_json(action: Action[..., Any]) -> Iterator[None]:
    """Raises ``OutputInvalid`` for what has no form in JSON, or nests deeper than is read."""
    try:
        yield
    except (ValueError, RecursionError) as error:
        raise OutputInvalid(action=action.name, problem=str(error)) from error


def shallow(value: Any) -> Any:
    """What was made for JSON, as it is. Raises ``ValueError``: how deep Python itself goes is of its version."""
    if nests_deeper([value], MOST_NESTED):
        raise ValueError(f"It nests deeper than {MOST_NESTED} levels.")
    return value


def plain_output(action: Action[..., Any], output: Any) -> Any:
    """As JSON has it. Raises ``OutputInvalid``."""
    with making_json(action):
        return json.loads(ANY.dump(output))
