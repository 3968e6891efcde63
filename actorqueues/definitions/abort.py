"""Abort signals: tell running code, in whatever thread, that it should stop."""

import asyncio
import contextlib
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

from actorqueues.durations import Duration, seconds
from actorqueues.exceptions import ActorAborted

logger = logging.getLogger("actorqueues")


class AbortSignal:
    """Becomes aborted once, and stays so. May be read, awaited and aborted from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._aborted = False
        self._reason: Any = None
        self._callbacks: list[Callable[[], object]] = []
        # A joined signal is kept alive by its sources only while somebody listens to it: joining an actor's
        # long-lived signal for every message must not fill the memory.
        self._sources: tuple[AbortSignal, ...] = ()
        self._joined: weakref.WeakSet[AbortSignal] | None = (
            None  # a kilobyte, and each idle actor has a signal
        )
        self._listened_joins: list[AbortSignal] = []
        self._timer: threading.Timer | None = None

    @property
    def aborted(self) -> bool:
        return self._aborted

    @property
    def reason(self) -> Any:
        """What ``abort(reason)`` was given: text, an exception, or None."""
        return self._reason

    def raise_if_aborted(self) -> None:
        """Raises ``ActorAborted`` with the reason once the signal is aborted."""
        if self._aborted:
            raise self._error()

    def _error(self) -> ActorAborted:
        if self._reason is None:
            return ActorAborted()
        error = ActorAborted(f"Aborted: {self._reason}", reason=str(self._reason))
        if isinstance(self._reason, BaseException):
            error.__cause__ = self._reason
        return error

    async def wait(self) -> Any:
        """Wait until aborted; gives the reason."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits any more
                loop.call_soon_threadsafe(done.set)

        self.add_callback(wake)
        try:
            await done.wait()
        finally:
            self.remove_callback(wake)
        return self._reason

    def add_callback(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` once, on abort, in the aborting thread; at once if that has happened."""
        with self._lock:
            if not self._aborted:
                self._callbacks.append(callback)
                self._listen()
                return
        _call(callback)

    def remove_callback(self, callback: Callable[[], object]) -> None:
        """Forget ``callback``; nothing happens if it is not there."""
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)
            self._listen_no_more()

    def _listen(self) -> None:
        for source in self._sources:
            if self not in source._listened_joins:
                source._listened_joins.append(self)
            source._listen()

    def _listen_no_more(self) -> None:
        if self._callbacks or self._listened_joins:
            return
        for source in self._sources:
            source._forget_listener(self)
            source._listen_no_more()

    def _abort(self, reason: Any = None) -> None:
        with self._lock:
            if self._aborted:
                return
            self._reason, self._aborted = reason, True
            callbacks, self._callbacks = self._callbacks, []
            joined, self._joined = list(self._joined or ()), None
            self._listened_joins.clear()
        for signal in joined:
            signal._abort(reason)
        for source in self._sources:
            source._forget(self)
        if self._timer is not None:
            self._timer.cancel()
        for callback in callbacks:
            _call(callback)

    def _forget(self, joined: "AbortSignal") -> None:
        with self._lock:
            if self._joined is not None:
                self._joined.discard(joined)
            self._forget_listener(joined)

    def _forget_listener(self, joined: "AbortSignal") -> None:
        if joined in self._listened_joins:
            self._listened_joins.remove(joined)

    @classmethod
    def any(cls, *signals: "AbortSignal | None") -> "AbortSignal":
        """A signal that is aborted as soon as one of ``signals`` is, with its reason. None is left out."""
        joined = cls()
        joined._sources = tuple(signal for signal in signals if signal is not None)
        for source in joined._sources:
            with source._lock:
                if not source._aborted:
                    if source._joined is None:
                        source._joined = weakref.WeakSet()
                    source._joined.add(joined)
                    continue
            joined._abort(source._reason)
            break
        return joined

    @classmethod
    def timeout(cls, duration: Duration) -> "AbortSignal":
        """A signal that is aborted after ``duration`` (seconds or ``timedelta``), with a ``TimeoutError``."""
        signal = cls()
        wait = seconds(duration, "timeout")
        reason = TimeoutError(f"timed out after {wait:g} s")
        if wait == float("inf"):
            return signal
        timer = threading.Timer(wait, _abort_if_alive, (weakref.ref(signal), reason))
        timer.daemon = True
        signal._timer = timer
        weakref.finalize(signal, timer.cancel)
        timer.start()
        return signal


def _abort_if_alive(reference: "weakref.ref[AbortSignal]", reason: BaseException) -> None:
    signal = reference()
    if signal is not None:
        signal._abort(reason)


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        logger.exception("A callback of an abort signal raised.")


class AbortController:
    """Owns a signal and can abort it."""

    def __init__(self, signal: AbortSignal | None = None) -> None:
        self.signal = signal if signal is not None else AbortSignal()

    def abort(self, reason: Any = None) -> None:
        """Abort the signal. The first reason stays; further calls do nothing."""
        self.signal._abort(reason)
