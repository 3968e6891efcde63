"""Threads of a web process for what is synchronous behind long connections, such as queries."""

from __future__ import annotations

import os
import threading

from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from actorqueues.conf import settings
from actorqueues.runtime.lanes import Lanes

_making = threading.Lock()
_lanes: list[Lanes] = []
_context = ThreadSensitiveContext()  # one for all sockets: each would cost half a kilobyte


def web_lanes() -> Lanes:
    """The process's own, ``LANES`` of them at most. A connection each, given back after a minute of rest."""
    with _making:
        if not _lanes:
            _lanes.append(Lanes(settings.LANES, "aq-web"))
        return _lanes[0]


def call_on_lanes() -> None:
    """For the rest of the task ``in_thread`` and the ORM's async methods use whichever lane is free.

    Without it all WebSockets of a process share one thread.
    """
    SyncToAsync.context_to_thread_executor[_context] = web_lanes()
    SyncToAsync.thread_sensitive_context.set(_context)


# A forked child has the parent's lanes, but not their threads.
os.register_at_fork(after_in_child=_lanes.clear)
