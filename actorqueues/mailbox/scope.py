from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Task

    from actorqueues.mailbox.delivery import Delivery
    from actorqueues.storage.operations import Emission
    from actorqueues.storage.sending import Outgoing


class Scope:
    """What one task has received and not settled, and what it wants committed with it.

    A task whose whole coroutine is a receive call shares its creator's scope; any other task has its own
    and sends with the delivery its creator had in hand, as long as that is open.
    """

    __slots__ = ("deliveries", "emissions", "killed", "outgoing", "owner", "parent", "waits")

    def __init__(self, parent: Delivery | None = None) -> None:
        self.parent = parent
        self.owner: Task[Any] | None = None
        self.deliveries: list[Delivery] = []
        self.outgoing: list[Outgoing] = []
        self.emissions: list[Emission] = []
        self.killed: Delivery | None = None  # a thread may still run in its name
        self.waits = False  # its owner is in a receive without a time limit

    @property
    def delivery(self) -> Delivery | None:
        if self.deliveries:
            return self.deliveries[-1]
        if self.killed is not None:
            return self.killed
        return (
            self.parent if self.parent is not None and (self.parent.is_open or self.parent.is_dead) else None
        )

    def buffer_send(self, outgoing: Sequence[Outgoing]) -> None:
        self.outgoing.extend(outgoing)

    def take_buffered(self) -> tuple[list[Outgoing], list[Emission]]:
        outgoing, self.outgoing = self.outgoing, []
        emissions, self.emissions = self.emissions, []
        return outgoing, emissions

    def discard_buffered(self) -> None:
        self.take_buffered()
