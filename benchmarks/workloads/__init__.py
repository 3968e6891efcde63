"""What is measured. A workload gives its results; ``scale`` (1 is the whole) makes it shorter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.results import Result
from benchmarks.workloads import depth, drains, idling, inspector, requests, sends, sockets, tuning, waiters


@dataclass(frozen=True)
class Workload:
    run: Callable[[float], Iterator[Result]]
    load: drains.Load | None = None  # what --profile drains
    needs_deep: bool = False  # a second database
    on_full: bool = False  # measured at SQLite's synchronous=FULL too
    group: str = "table"  # which of the tables it goes into


WORKLOADS = {
    "drain-many": Workload(drains.drain_many, drains.MANY, on_full=True),
    "drain-one": Workload(drains.drain_one, drains.ONE, on_full=True),
    "drain-completing": Workload(drains.drain_completing, drains.COMPLETING, on_full=True),
    "send-during-drain": Workload(sends.send_during_drain, sends.DURING, on_full=True),
    "send": Workload(sends.send, on_full=True),
    "send-many": Workload(sends.send_many, on_full=True),
    "round-trip": Workload(sends.round_trip, on_full=True),
    "deep-one": Workload(depth.deep_one, needs_deep=True),
    "deep-spread": Workload(depth.deep_spread, needs_deep=True),
    "deep-busy": Workload(depth.deep_busy, needs_deep=True),
    "idle": Workload(idling.idle, needs_deep=True),
    "track": Workload(drains.track, drains.TRACKED),
    "resident": Workload(idling.resident),
    "requests": Workload(requests.requests, group="web"),
    "waiters": Workload(waiters.waiters, group="web"),
    "sockets": Workload(sockets.sockets, group="web"),
    "inspector": Workload(inspector.inspector, group="inspector"),
    "tuning": Workload(tuning.tuning, group="tuning"),
}
PROFILED = [name for name, workload in WORKLOADS.items() if workload.load is not None]
DEFAULT = [name for name, workload in WORKLOADS.items() if workload.group == "table"]
