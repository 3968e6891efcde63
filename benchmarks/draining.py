"""``python -m benchmarks.draining``: a worker that says how fast it was.

It prints a line when the first message is settled, and at the end a JSON object: see ``processes.Drained``.
"""

import argparse
import cProfile
import json
import logging
import threading
import time
from contextlib import nullcontext

import django


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settled", type=int, help="stop after so many; without it, when nothing is due")
    parser.add_argument("--seconds", type=float, default=120.0, help="stop then at the latest")
    parser.add_argument("--options", type=json.loads, default={}, help="of the worker, as JSON")
    parser.add_argument("--profile", metavar="PATH", help="of the event loop's thread, by cProfile")
    chosen = parser.parse_args()
    django.setup()
    logging.disable(logging.WARNING)
    profile = cProfile.Profile() if chosen.profile else None
    print(json.dumps(work(chosen, profile)), flush=True)
    if profile is not None:
        profile.dump_stats(chosen.profile)


def work(chosen: argparse.Namespace, profile: cProfile.Profile | None) -> dict[str, float]:
    from actorqueues.runtime.options import WorkerOptions
    from actorqueues.runtime.worker import Worker
    from benchmarks.meter import Meter

    worker = Worker(WorkerOptions(drain=chosen.settled is None, **chosen.options))
    limit = threading.Timer(chosen.seconds, worker.stop)
    limit.daemon = True
    enough = float("inf") if chosen.settled is None else chosen.settled
    meter = Meter(enough, lambda: print("settling", flush=True), worker.stop)
    began_at, cpu = time.monotonic(), time.process_time()
    limit.start()
    with profile or nullcontext():
        worker.run()
    return {
        "began_at": began_at,
        "first_at": meter.first_at or began_at,
        "last_at": meter.last_at,
        "settled": meter.settled,
        "commits": meter.commits,
        "cpu": meter.last_cpu - cpu,
    }


if __name__ == "__main__":
    main()
