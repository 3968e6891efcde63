"""The same drain with a million messages waiting and with ten thousand."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import targets
from benchmarks.filling import empty, fill_mailboxes
from benchmarks.processes import Drained, drain
from benchmarks.results import Result
from benchmarks.workloads.drains import compared, times

MANY, FEW = 1_000_000, 10_000
WINDOW = 0.8  # of the few: up to here nobody runs out of messages


@dataclass(frozen=True)
class Layout:
    title: str
    actors: int  # of a million messages
    shallow_actors: int  # of ten thousand

    def deep(self, scale: float) -> tuple[int, int]:
        return part(self.actors, self.actors / MANY, scale), int(MANY * scale)

    def shallow(self, scale: float) -> tuple[int, int]:
        few = int(FEW * min(1.0, scale * 10))
        return part(self.shallow_actors, self.shallow_actors / FEW, few / FEW), few


def part(actors: int, density: float, scale: float) -> int:
    """As many messages an actor as at full scale, but where all are in so few actors."""
    return actors if density < 0.01 else max(1, int(actors * scale))


ONE = Layout(targets.DEEP_ONE, 1, 1)
SPREAD = Layout(targets.DEEP_SPREAD, 100_000, 1_000)
BUSY = Layout(targets.DEEP_BUSY, 1_000, 1_000)


def deep_one(scale: float) -> Iterator[Result]:
    return measured(ONE, scale)


def deep_spread(scale: float) -> Iterator[Result]:
    return measured(SPREAD, scale)


def deep_busy(scale: float) -> Iterator[Result]:
    return measured(BUSY, scale)


def measured(layout: Layout, scale: float) -> Iterator[Result]:
    """In turns: the deep one goes on where it stopped, the shallow one is filled anew each time."""
    many, few = [], []
    for _ in range(times(scale)):
        fill("default", *layout.shallow(scale))
        few.append(window(layout, scale, "default"))
        empty("default")
        fill_again_if_short(layout, scale)
        many.append(window(layout, scale, "deep"))
    yield compared(layout.title, many, few)


def fill_again_if_short(layout: Layout, scale: float) -> None:
    """The first time; and of a trial's few messages a worker settles many more while it stops."""
    from actorqueues.models import Message

    wanted = layout.shallow(scale)[1]
    if Message.objects.using("deep").order_by()[:wanted].count() < wanted:
        empty("deep")
        fill("deep", *layout.deep(scale))


def fill(alias: str, actors: int, messages: int) -> None:
    from benchmarks.actors import Deep

    fill_mailboxes(alias, Deep, "work", actors, messages)


def window(layout: Layout, scale: float, alias: str) -> Drained:
    """From the start of a worker, its first claims included, until so many messages are settled."""
    return drain(int(layout.shallow(scale)[1] * WINDOW), seconds=60, alias=alias)
