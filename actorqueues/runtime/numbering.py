from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from actorqueues.storage.operations import Emission, Emit, Step

LATER = 0  # the number of an event that gets its own when the chain goes on


class EventNumbers:
    """The numbers of an actor's events: in the order of their commits, without gaps."""

    def __init__(self, last: int) -> None:
        self.last = last

    def give(self, emissions: Iterable[Emission]) -> list[Emission]:
        numbered = []
        for emission in emissions:
            self.last += 1
            numbered.append(replace(emission, number=self.last))
        return numbered

    def put_off(self, emissions: Iterable[Emission]) -> list[Emission]:
        """While an ``atomic`` block is open: what it commits comes before these."""
        return [replace(emission, number=LATER) for emission in emissions]

    def catch_up(self, step: Step) -> Step:
        return tuple(
            Emit(self.give(operation.events))
            if isinstance(operation, Emit) and operation.events[0].number == LATER
            else operation
            for operation in step
        )

    def take_back(self, step: Step) -> None:
        """Of an ``atomic`` block that was rolled back."""
        self.last -= sum(len(operation.events) for operation in step if isinstance(operation, Emit))
