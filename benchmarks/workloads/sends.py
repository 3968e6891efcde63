"""The sender's side: alone, during a drain, and with a reply."""

import statistics
import time
from collections.abc import Iterator, Sequence

from benchmarks import targets
from benchmarks.baseline import insert_bare
from benchmarks.processes import draining, outcome, worker
from benchmarks.results import Result, percentile
from benchmarks.workloads.drains import Load

TURNS = 15
SECONDS = 0.3  # of each turn at most
DURING = Load("a drain meanwhile", messages=60_000)
PAUSE = 0.002  # seconds between two sends of a web process


def send(scale: float) -> Iterator[Result]:
    """In turns with bare INSERTs: what a commit costs changes from second to second."""
    from benchmarks.actors import Sink, Work

    handle, count = Sink.get_or_create("sends"), max(10, int(400 * scale))
    handle.send(Sink.take, Work())
    sent, took, ratios = 0, 0.0, []
    for _ in range(max(3, int(TURNS * scale))):
        inserted, inserting = insert_bare(count, SECONDS)
        number, began = 0, time.perf_counter()
        while number < count and time.perf_counter() - began < SECONDS:
            handle.send(Sink.take, Work(number=number))
            number += 1
        sending = time.perf_counter() - began
        ratios.append(number / sending / (inserted / inserting))
        sent, took = sent + number, took + sending
    yield Result(targets.SEND, sent / took, "/s", f"{sent:,} sends")
    spread = f"median of {len(ratios)} turns with bare INSERTs; {min(ratios):.2f} to {max(ratios):.2f}"
    yield Result(targets.SEND_RATIO, statistics.median(ratios), "x", spread)


def send_many(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Deep, Work

    handle, bodies = Deep.get_or_create("bulk"), [Work(number=n) for n in range(int(20_000 * scale))]
    rates = []
    for _ in range(3):
        began = time.perf_counter()
        handle.send_many(Deep.work, bodies)
        rates.append(len(bodies) / (time.perf_counter() - began))
    note = f"{len(bodies):,} at once; {min(rates):,.0f} to {max(rates):,.0f}/s"
    yield Result(targets.SEND_MANY, statistics.median(rates), "/s", note)


def send_during_drain(scale: float) -> Iterator[Result]:
    """Only sends between the worker's first settlement and its last count."""
    from benchmarks.actors import Sink, Work

    count = DURING.fill(scale)
    handle, times = Sink.get_or_create("meanwhile"), []
    handle.send(Sink.take, Work())
    with draining(count) as process:
        while process.poll() is None:
            began = time.monotonic()
            handle.send(Sink.take, Work())
            times.append((began, time.monotonic()))
            time.sleep(PAUSE)
        drained = outcome(process)
    during = [end - began for began, end in times if drained.first_at <= began and end <= drained.last_at]
    if not during:
        raise RuntimeError("the worker was done before anything was sent")
    note = f"{len(during):,} sends during a drain at {drained.rate:,.0f}/s"
    yield from percentiles((targets.SEND_DURING_P50, targets.SEND_DURING_P99), during, note)


def round_trip(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Echo, Work

    handle, times = Echo.get_or_create("main"), []
    with worker():
        handle.send(Echo.say, Work(), wait=True, timeout=60)
        for number in range(max(20, int(1000 * scale))):
            began = time.perf_counter()
            handle.send(Echo.say, Work(number=number), wait=True, timeout=60)
            times.append(time.perf_counter() - began)
    note = f"{len(times):,} round trips, one after the other"
    yield from percentiles((targets.ROUND_TRIP_P50, targets.ROUND_TRIP_P99), times, note)


def percentiles(names: tuple[str, str], times: Sequence[float], note: str) -> Iterator[Result]:
    for name, percent in zip(names, (50, 99), strict=True):
        yield Result(name, percentile(times, percent) * 1000, "ms", note)
