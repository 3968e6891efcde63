"""The worker processes that a visitor may kill: those that were started together with this server."""

import os
import signal
import socket

from django.utils import timezone

from actorqueues.models import Worker


def running_workers() -> list[int]:
    """Their process ids."""
    here = Worker.objects.live(timezone.now()).filter(host=socket.gethostname()[:255])
    return [pid for pid in here.order_by("started_at").values_list("pid", flat=True) if is_ours(pid)]


def kill_workers() -> list[int]:
    """SIGKILL: no handler ends, no lease is given back. Their process ids."""
    killed = running_workers()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    return killed


def is_ours(pid: int) -> bool:
    """Of our session. What merely has got the number of a worker that is gone is not."""
    try:
        return pid != os.getpid() and os.getsid(pid) == os.getsid(0)
    except ProcessLookupError:
        return False
