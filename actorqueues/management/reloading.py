"""``runactors --reload``: the worker watches its own source files and stops when one changes."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

from django.utils.autoreload import StatReloader

logger = logging.getLogger("actorqueues.reloading")

LOOK_EVERY = 1.0


class SourceWatch:
    """Once a loaded module changes, a thread asks this process to stop gracefully: no attempt is burnt."""

    def __init__(self) -> None:
        self.changed = False

    def start(self) -> None:
        threading.Thread(target=self._watch, name="source watch", daemon=True).start()

    def _watch(self) -> None:
        reloader = StatReloader()
        known: dict[object, float] = {}
        while True:
            for path, modified in reloader.snapshot_files():
                if known.setdefault(path, modified) != modified:
                    logger.info("%s changed: starting again.", path)
                    self.changed = True
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
            time.sleep(LOOK_EVERY)
