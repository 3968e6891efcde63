"""What ``manage.py actorqueues`` can do: one module an operation."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, Protocol

from django.core.management.base import OutputWrapper

from actorqueues.management.operations import (
    bury,
    dead,
    doctor,
    inspect,
    pause,
    prune,
    purge,
    resume,
    retry,
    send,
)


class Operation(Protocol):
    """What such a module has."""

    @property
    def HELP(self) -> str: ...
    @property
    def ABOUT(self) -> str: ...
    @property
    def EXAMPLES(self) -> Sequence[str]: ...

    def add_arguments(self, parser: ArgumentParser) -> None: ...

    def run(self, options: dict[str, Any], output: OutputWrapper) -> int:
        """Returns the exit code. ``options["database"]`` is an alias that exists."""


OPERATIONS: dict[str, Operation] = {
    "send": send,
    "inspect": inspect,
    "dead": dead,
    "retry": retry,
    "bury": bury,
    "purge": purge,
    "pause": pause,
    "resume": resume,
    "prune": prune,
    "doctor": doctor,
}
