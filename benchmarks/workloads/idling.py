"""What actors cost that do nothing: stored, and in memory."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from uuid import uuid4

import psutil

from benchmarks import targets
from benchmarks.filling import actors_on, empty, fill_actors, idle_key
from benchmarks.processes import worker
from benchmarks.results import Result, percentile

STORED = 100_000
SAMPLES = 500
RESIDENT = 2_000
SIDES = ("default", "deep")  # few actors, many actors
REST = 3.0  # seconds from a worker's start until it is at rest


def idle(scale: float) -> Iterator[Result]:
    """Two workers side by side: one's database holds only the actors that are sent to, the other's many more."""
    from benchmarks.actors import Clock

    samples, stored = max(20, int(SAMPLES * scale)), int(STORED * scale)
    for alias, count in zip(SIDES, (samples, stored), strict=True):
        fill_actors(alias, Clock, count)
    keys = {"default": range(samples), "deep": random.sample(range(stored), samples)}
    claims = in_turns(samples, {alias: partial(claim, keys[alias], alias) for alias in SIDES})
    for alias in SIDES:
        forget_claims(alias)
    yield above(targets.IDLE_CLAIM_STORAGE, *(percentile(claims[alias], 99) * 1000 for alias in SIDES), "ms")
    with ExitStack() as stack:
        processes = {alias: stack.enter_context(worker(alias=alias)) for alias in SIDES}
        time.sleep(REST)
        yield from at_rest(processes, max(2.0, 20 * scale))
        starts = in_turns(samples, {alias: partial(start, keys[alias], alias) for alias in SIDES})
    medians = " to ".join(f"{percentile(starts[alias], 50) * 1000:.2f}" for alias in SIDES)
    ends = (percentile(starts[alias], 99) * 1000 for alias in SIDES)
    yield above(targets.IDLE_CLAIM, *ends, "ms", f"; p50 {medians} ms")
    for alias in SIDES:
        empty(alias)


def above(name: str, base: float, value: float, unit: str, more: str = "") -> Result:
    return Result(name, value - base, f"+{unit}", f"{base:.2f} to {value:.2f} {unit}{more}")


def at_rest(processes: dict[str, psutil.Process], seconds: float) -> Iterator[Result]:
    before = {alias: cpu(process) for alias, process in processes.items()}
    time.sleep(seconds)
    used = {alias: (cpu(process) - before[alias]) / seconds * 100 for alias, process in processes.items()}
    sizes = {alias: process.memory_info().rss / 1e6 for alias, process in processes.items()}
    yield above(targets.IDLE_RSS, *(sizes[alias] for alias in SIDES), "MB")
    yield above(targets.IDLE_CPU, *(used[alias] for alias in SIDES), "%", f" of a core, over {seconds:.0f} s")


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def in_turns(samples: int, measures: dict[str, Callable[[int], float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {alias: [] for alias in measures}
    for number in range(samples):  # the first one opens connections and does not count
        for alias, measure in measures.items():
            with actors_on(alias):
                found[alias].append(measure(number))
    return {alias: times[1:] for alias, times in found.items()}


def start(keys: list[int] | range, alias: str, number: int) -> float:
    """Seconds from the send until the handler of an actor runs that was asleep."""
    from benchmarks.actors import Clock, Work

    handle, began = Clock.get_or_create(idle_key(keys[number])), time.monotonic()
    return handle.ask(Clock.read, Work(), timeout=60).at - began


def claim(keys: list[int] | range, alias: str, number: int) -> float:
    """Seconds to find one actor by its wake and to take its lease, without a worker around it."""
    from actorqueues.storage.actors import append_wakes
    from actorqueues.storage.claiming import claim_actors, find_wakes
    from actorqueues.storage.workers import register_worker, retire_worker
    from benchmarks.actors import Clock

    target, worker_id = Clock.get_or_create(idle_key(keys[number]))._target, uuid4()
    register_worker(worker_id, host="", pid=0, version="", types="clock", lease=60, using=alias)
    append_wakes([("clock", target.actor_id, target.key)], using=alias)
    began = time.perf_counter()
    found = find_wakes(["clock"], limit=1000, using=alias)
    claimed = claim_actors(worker_id, [actor_id for _, actor_id in found], ["clock"], using=alias)
    took = time.perf_counter() - began
    if len(claimed) != 1:
        raise RuntimeError(f"claimed {len(claimed)} actors instead of one")
    retire_worker(worker_id, using=alias)
    return took


def forget_claims(alias: str) -> None:
    """Nobody worked on what was claimed: the actors are asleep as before, for a worker to find."""
    from actorqueues.models import ActorInstance

    ActorInstance.objects.using(alias).filter(careful=True).update(careful=False, wake_at=None)


def resident(scale: float) -> Iterator[Result]:
    """A worker's memory with so many actors that wait for mail, and before they came."""
    from benchmarks.actors import Sink, Work

    count = max(100, int(RESIDENT * scale))
    with worker("--sleep-after", "600") as process:
        first = Sink.get_or_create("first")
        for _ in range(10):  # buffers, caches and threads that come with the first messages are no actor's
            first.send_many(Sink.take, [Work(number=n) for n in range(200)])
        until_empty()
        base = process.memory_info().rss
        for number in range(count):
            Sink.get_or_create(f"k{number}").send(Sink.take, Work())
        until_empty()
        grown = process.memory_info().rss - base
    yield Result(targets.RESIDENT, grown / count / 1000, "kB", f"{count:,} of them take {grown / 1e6:.1f} MB")


def until_empty(seconds: float = 120.0) -> None:
    from actorqueues.models import Message

    until = time.monotonic() + seconds
    while Message.objects.exists():
        if time.monotonic() > until:
            raise RuntimeError(f"the worker was not done in {seconds:.0f} s")
        time.sleep(0.05)
    time.sleep(1.0)
