"""What is measured. Each workload gives its results by name; ``scale`` makes it shorter."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.processes import drain, worker


class Result(NamedTuple):
    name: str
    value: float
    unit: str  # "/s" or "ms"


def fill(actor: type, queue: object, actors: int, messages: int) -> int:
    from benchmarks.actors import Work

    each = messages // actors
    for number in range(actors):
        actor.get_or_create(f"k{number}").send_many(queue, [Work(number=n) for n in range(each)])
    return each * actors


def drain_many(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Sink

    count = fill(Sink, Sink.take, 100, int(20_000 * scale))
    yield Result("drain 100 actors", count / drain(), "/s")


def drain_one(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Sink

    count = fill(Sink, Sink.take, 1, int(10_000 * scale))
    yield Result("drain one actor, settled by returning", count / drain(), "/s")


def drain_completing(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Tally

    count = fill(Tally, Tally.add, 100, int(10_000 * scale))
    yield Result("drain 100 actors, state and reply, completed one by one", count / drain(), "/s")


def send(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Sink, Work

    handle, count = Sink.get_or_create("sends"), int(3000 * scale)
    began = time.perf_counter()
    for number in range(count):
        handle.send(Sink.take, Work(number=number))
    yield Result("send, one by one", count / (time.perf_counter() - began), "/s")


def send_many(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Sink, Work

    handle, bodies = (
        Sink.get_or_create("bulk"),
        [Work(number=number) for number in range(int(20_000 * scale))],
    )
    began = time.perf_counter()
    handle.send_many(Sink.take, bodies)
    yield Result("send_many", len(bodies) / (time.perf_counter() - began), "/s")


def send_during_drain(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Sink, Work

    fill(Sink, Sink.take, 100, int(40_000 * scale))
    handle, times = Sink.get_or_create("meanwhile"), []
    draining = threading.Thread(target=drain)
    draining.start()
    time.sleep(1.0)  # until it has started
    for _ in range(max(50, int(400 * scale))):  # not until it has ended: it would never be done
        began = time.perf_counter()
        handle.send(Sink.take, Work())
        times.append(time.perf_counter() - began)
        time.sleep(0.002)
    draining.join()
    yield from percentiles("send during a drain", times)


def round_trip(scale: float) -> Iterator[Result]:
    from benchmarks.actors import Echo, Work

    handle, times = Echo.get_or_create("main"), []
    with worker():
        handle.send(Echo.say, Work(), wait=True, timeout=20)
        for number in range(max(20, int(400 * scale))):
            began = time.perf_counter()
            handle.send(Echo.say, Work(number=number), wait=True, timeout=20)
            times.append(time.perf_counter() - began)
    yield from percentiles("send(wait=True) and its reply", times)


def percentiles(name: str, times: list[float]) -> Iterator[Result]:
    cuts = statistics.quantiles(times, n=100)
    for percent in (50, 99):
        yield Result(f"{name}, p{percent}", cuts[percent - 1] * 1000, "ms")


WORKLOADS: dict[str, Callable[[float], Iterator[Result]]] = {
    "drain-many": drain_many,
    "drain-one": drain_one,
    "drain-completing": drain_completing,
    "send": send,
    "send-many": send_many,
    "send-during-drain": send_during_drain,
    "round-trip": round_trip,
}
