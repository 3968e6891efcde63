"""The same drain with one thing changed: what docs/how-to/tuning.md tells about."""

import time
from collections.abc import Iterator

from benchmarks.processes import worker
from benchmarks.results import Result
from benchmarks.workloads.drains import Load, measured

MESSAGES = 10_000
PLAIN = Load("async handler, settled by returning", messages=MESSAGES)
LOADS = (
    PLAIN,
    Load("plain handler (a hop into a lane)", "threaded", messages=MESSAGES),
    Load("state that changes with every message", "saving", messages=MESSAGES),
    Load("track=True", messages=MESSAGES, track=True),
    Load("own loop, settled by asking for the next", "deep", "work", messages=MESSAGES),
    Load("own loop, `await message.complete()`", "completing", "work", messages=MESSAGES),
    Load("atomic handler", "stepping", messages=MESSAGES // 5),
    Load("BATCH_SIZE 20", messages=MESSAGES, options={"batch_size": 20}),
    Load("BATCH_SIZE 1000", messages=MESSAGES, options={"batch_size": 1000}),
    Load("1,000 actors", actors=1_000, messages=MESSAGES),
    Load("1,000 actors, MAX_RESIDENT 100", actors=1_000, messages=MESSAGES, options={"max_resident": 100}),
    Load("two workers", messages=MESSAGES * 2, workers=2),
    Load("two workers, plain handler", "threaded", messages=MESSAGES * 2, workers=2),
    Load("handler that sleeps 2 ms, LANES 1", "waiting", messages=MESSAGES // 5, options={"lanes": 1}),
    Load("handler that sleeps 2 ms, LANES 4", "waiting", messages=MESSAGES // 5, options={"lanes": 4}),
    Load("handler that sleeps 2 ms, LANES 16", "waiting", messages=MESSAGES // 5, options={"lanes": 16}),
)
POLLS = (0.05, 0.2, 1.0)  # seconds
REST = 5.0


def tuning(scale: float) -> Iterator[Result]:
    for load in LOADS:
        yield measured(load, scale)
    for interval in POLLS:
        yield from polling(interval, scale)


def polling(interval: float, scale: float) -> Iterator[Result]:
    """What a short poll interval costs a worker that has nothing to do."""
    seconds = max(5.0, 10 * scale)
    with worker("--poll-interval", str(interval)) as process:
        time.sleep(REST)
        before = process.cpu_times()
        time.sleep(seconds)
        after = process.cpu_times()
    used = (after.user + after.system - before.user - before.system) / seconds * 100
    yield Result(f"idle worker, POLL_INTERVAL {interval:g}", used, "%", "of a core")
