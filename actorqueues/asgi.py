"""Under ASGI: requests that wait share a few threads instead of keeping one each.

Django gives every request a thread of its own until it is answered, so two thousand that wait are two thousand
threads, each with a database connection where those are kept open.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext

from actorqueues.conf import settings

logger = logging.getLogger("actorqueues.asgi")

Application = Callable[[Any, Any, Any], Awaitable[None]]

TAKES_EXECUTOR = "executor" in inspect.signature(ThreadSensitiveContext.__init__).parameters


class Lane(ThreadPoolExecutor):
    """One thread. What is synchronous in a request runs on one lane, so it sees one database connection."""

    def __init__(self) -> None:
        super().__init__(max_workers=1, thread_name_prefix="actorqueues-request")
        self.jobs = 0
        self._counting = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        self._count(1)
        future.add_done_callback(lambda done: self._count(-1))
        return future

    def _count(self, change: int) -> None:
        with self._counting:
            self.jobs += change


class OnLanes:
    """An ASGI application whose requests run what is synchronous on ``lanes`` threads."""

    def __init__(self, application: Application, lanes: int) -> None:
        self.application = application
        self.lanes = [Lane() for _ in range(lanes)]
        self._turn = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
            return
        async with ThreadSensitiveContext(executor=self.next_lane()):
            await self.application(scope, receive, send)

    def next_lane(self) -> Lane:
        """The one with the least to do; of several, the one whose turn it is."""
        self._turn = (self._turn + 1) % len(self.lanes)
        return min(self.lanes[self._turn :] + self.lanes[: self._turn], key=lambda lane: lane.jobs)


def on_lanes(application: Application, *, lanes: int | None = None) -> Application:
    """Wrap a project's ASGI application: ``application = on_lanes(get_asgi_application())``.

    ``lanes``: threads, each with a database connection where those are kept open; by default the setting ``LANES``.
    Synchronous views share them too: as many run at once. With an asgiref before 3.13 the application stays as
    it is, and the log says so.
    """
    if not TAKES_EXECUTOR:
        logger.warning("asgiref is older than 3.13: every waiting request keeps a thread. Upgrade it.")
        return application
    return OnLanes(application, lanes or settings.LANES)
