from __future__ import annotations

import asyncio
import threading
from typing import Any, Self, TypeVar
from uuid import UUID

from actorqueues.bridge import in_thread, refuse_running_loop
from actorqueues.client import waiting
from actorqueues.client.depth import gauge
from actorqueues.conf import settings
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.keys import Key
from actorqueues.definitions.marks import UNSET
from actorqueues.definitions.queue import Queue
from actorqueues.storage import sending
from actorqueues.storage.outcomes import StoredOutcome
from actorqueues.testing.failures import Failures, raise_all
from actorqueues.testing.movable_clock import MovableClock
from actorqueues.testing.run import InlineRun
from actorqueues.testing.sent import SentMessage, SentMessages, json_body

S = TypeVar("S")
PATIENCE = 30.0  # seconds of real time for actors that wait for something outside


class Actors:
    """Runs the actors of a test in its own process, on its own thread and in its own transaction.

    The fixture ``actors`` and ``ActorTestMixin`` give one to each test. While it is active, whoever waits for
    a reply has the actors run right there. ``errors`` are the exceptions that handlers raised.
    """

    def __init__(self) -> None:
        self.clock = MovableClock()
        self._failures = Failures()
        self._sent = SentMessages()
        self._run: InlineRun | None = None
        self._running = threading.Lock()

    def __enter__(self) -> Self:
        self._before = waiting.inline_runner, sending.observer
        waiting.inline_runner, sending.observer = self, self._sent.observe
        gauge.forget()
        self._failures.begin()
        return self

    def __exit__(self, *exception: object) -> None:
        self._failures.end()
        waiting.inline_runner, sending.observer = self._before
        self.clock.reset()
        gauge.forget()  # what it knows of mailboxes was rolled back

    # Running

    def run_until_idle(self, *, raise_errors: bool = False, timeout: float = PATIENCE) -> None:
        """Handles what is due, and what comes of it. A retry or a schedule is due when the clock was moved.

        ``raise_errors``: raises what handlers raised meanwhile, several as a group; else see ``errors``.
        Raises ``TimeoutError`` when an actor still waits for something outside after ``timeout`` seconds.
        """
        refuse_running_loop("run_until_idle")
        known = len(self.errors)
        run = self._work(settings.DATABASE, None, timeout)
        if raise_errors:
            raise_all(self.errors[known:])
        if run.is_late:
            raise TimeoutError(
                f"after {timeout:g} s these actors still work: {', '.join(run.busy) or 'none'}"
            )

    async def arun_until_idle(self, *, raise_errors: bool = False, timeout: float = PATIENCE) -> None:
        await in_thread(self.run_until_idle, raise_errors=raise_errors, timeout=timeout)

    @property
    def errors(self) -> list[BaseException]:
        return self._failures.errors

    def _work(self, using: str, wanted: UUID | None, timeout: float) -> InlineRun:
        if self._run is not None and self._run.pump.is_here:
            raise RuntimeError("The actors are running already: this is called by one of them.")
        with self._running:
            self._run = run = InlineRun(using, self._failures.add, wanted=wanted, timeout=timeout)
            try:
                run.work()
            finally:
                self._run = None
        return run

    # Waiting for a reply: what the client calls

    def wait(self, uid: UUID, using: str, timeout: float) -> StoredOutcome | None:
        if self._run is not None and self._run.pump.is_here:
            return self._run.wait(uid, timeout)
        return self._work(using, uid, timeout).outcome()

    async def wait_on_loop(self, uid: UUID, using: str, timeout: float) -> StoredOutcome | None:
        if self._run is not None and self._run.loop is asyncio.get_running_loop():
            return await self._run.wait_on_loop(uid, timeout)
        return await in_thread(self.wait, uid, using, timeout)

    # Looking

    def state(self, actor_class: type[Actor[S]], key: Key) -> S:
        """The actor's committed state."""
        state: S = actor_class.get(key).get_state()
        return state

    async def astate(self, actor_class: type[Actor[S]], key: Key) -> S:
        state: S = await actor_class.get(key).aget_state()
        return state

    def sent(self, queue: Queue[Any, Any] | str | None = None, key: Key | None = None) -> list[SentMessage]:
        """What the test and its actors sent, in order; nothing that was rolled back or deduplicated."""
        return self._sent.find(queue, key)

    def assert_sent(
        self,
        queue: Queue[Any, Any] | str,
        *,
        key: Key | None = None,
        body: Any = UNSET,
        times: int | None = None,
    ) -> None:
        """At least one such message was sent, or exactly ``times``."""
        found = self._matching(queue, key, body)
        if len(found) == times or (times is None and found):
            return
        wanted = "at least one" if times is None else str(times)
        raise AssertionError(f"{len(found)} such messages were sent, not {wanted}. {self._listing()}")

    def assert_not_sent(
        self, queue: Queue[Any, Any] | str, *, key: Key | None = None, body: Any = UNSET
    ) -> None:
        self.assert_sent(queue, key=key, body=body, times=0)

    def _matching(self, queue: Queue[Any, Any] | str, key: Key | None, body: Any) -> list[SentMessage]:
        wanted = json_body(queue, body)
        found = self.sent(queue, key)
        return found if wanted is UNSET else [message for message in found if message.body == wanted]

    def _listing(self) -> str:
        lines = [f"  {message}" for message in self.sent()]
        return "\n".join(["Sent was:", *lines]) if lines else "Nothing was sent."
