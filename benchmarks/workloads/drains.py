"""Mailboxes are full, a worker empties them."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import targets
from benchmarks.filling import empty
from benchmarks.processes import Drained, drain
from benchmarks.results import Result


def times(scale: float) -> int:
    """Medians of three, unless it is only a trial."""
    return 3 if scale >= 0.1 else 1


@dataclass(frozen=True)
class Load:
    """Messages that wait, and how a worker is to take them."""

    title: str
    type_name: str = "sink"
    queue: str = "take"
    actors: int = 100
    messages: int = 20_000
    track: bool = False
    workers: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)  # of the worker

    def fill(self, scale: float) -> int:
        """Sends them, and says how many that were."""
        from actorqueues.definitions.registry import registry

        actor_class = registry.get(self.type_name)
        actors = min(self.actors, max(1, int(self.messages * scale)))
        each = int(self.messages * scale) // actors
        options = {"track": True} if self.track else {}
        for number in range(actors):
            handle = actor_class.get_or_create(f"k{number}")
            handle.send_many(self.queue, [{"number": n} for n in range(each)], **options)
        return each * actors

    def drain(self, scale: float) -> Drained:
        count = self.fill(scale)
        # One of several cannot know when all are done: each ends when nothing is due.
        drained = drain(count if self.workers == 1 else None, workers=self.workers, **self.options)
        if drained.settled != count:
            raise RuntimeError(f"{self.title}: {drained.settled} of {count} messages were settled")
        empty()
        return drained


MANY = Load(targets.DRAIN_MANY)
ONE = Load(targets.DRAIN_ONE, actors=1, messages=10_000)
COMPLETING = Load(targets.DRAIN_COMPLETING, "tally", "add", messages=10_000)
TRACKED = Load("drain, 100 actors, track=True", messages=10_000, track=True)
UNTRACKED = Load("drain, 100 actors, untracked", messages=10_000)


def drain_many(scale: float) -> Iterator[Result]:
    yield measured(MANY, scale)


def drain_one(scale: float) -> Iterator[Result]:
    yield measured(ONE, scale)


def drain_completing(scale: float) -> Iterator[Result]:
    yield measured(COMPLETING, scale)


def measured(load: Load, scale: float) -> Result:
    return result_of(load.title, [load.drain(scale) for _ in range(times(scale))])


def result_of(title: str, runs: list[Drained]) -> Result:
    return Result(title, median_rate(runs), "/s", described(runs))


def track(scale: float) -> Iterator[Result]:
    tracked, untracked = [], []
    for _ in range(times(scale)):
        untracked.append(UNTRACKED.drain(scale))
        tracked.append(TRACKED.drain(scale))
    yield compared(targets.TRACK, tracked, untracked)


def compared(name: str, ones: list[Drained], others: list[Drained]) -> Result:
    one, other = median_rate(ones), median_rate(others)
    cpu = f"{median_cpu(ones):.0f} to {median_cpu(others):.0f} µs of CPU a message"
    firsts = f"first after {median_first(ones):.0f} to {median_first(others):.0f} ms"
    return Result(name, one / other, "x", f"{one:,.0f}/s to {other:,.0f}/s; {cpu}; {firsts}")


def described(runs: list[Drained]) -> str:
    rates = sorted(run.rate for run in runs)
    a_commit = statistics.median(run.settled / run.commits for run in runs)
    spread = f"{rates[0]:,.0f} to {rates[-1]:,.0f}/s; " if len(rates) > 1 else ""
    cpu = f"{median_cpu(runs):.0f} µs of CPU a message"
    return f"{spread}{cpu}; {a_commit:.0f} messages a commit; first after {median_first(runs):.0f} ms"


def median_rate(runs: list[Drained]) -> float:
    return statistics.median(run.rate for run in runs)


def median_cpu(runs: list[Drained]) -> float:
    return statistics.median(run.cpu_microseconds for run in runs)


def median_first(runs: list[Drained]) -> float:
    """Milliseconds from the worker's start to its first settlement."""
    return statistics.median(run.first_at - run.began_at for run in runs) * 1000
