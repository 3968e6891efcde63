"""``python -m benchmarks.draining``: works until nothing is due and prints how many seconds that took."""

import logging
import time

import django


def main() -> None:
    django.setup()
    from actorqueues.runtime.options import WorkerOptions
    from actorqueues.runtime.worker import Worker

    logging.disable(logging.WARNING)
    worker = Worker(WorkerOptions(drain=True))
    began = time.perf_counter()
    worker.run()
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
