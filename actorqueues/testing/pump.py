"""Calls that other threads ask for, run one after another on the thread of the test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

TICK = 0.05  # seconds between two looks at the clock while there is nothing to do


class Pump:
    def __init__(self, on_tick: Callable[[], None]) -> None:
        self.on_tick = on_tick
        self.thread = threading.get_ident()
        self.calls: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()

    @property
    def is_here(self) -> bool:
        return threading.get_ident() == self.thread

    def ask(self, function: Callable[[], T]) -> Future[T]:
        """From any thread: the function's result, once it has had its turn."""
        future: Future[T] = Future()
        self.calls.put(partial(answer, future, function))
        return future

    def post(self, function: Callable[[], Any]) -> None:
        """The same without a result."""
        self.calls.put(function)

    def work_until(self, is_done: Callable[[], bool]) -> None:
        """On the pump's own thread. Whoever makes ``is_done`` true from elsewhere posts something."""
        while not is_done():
            try:
                call = self.calls.get(timeout=TICK)
            except queue.Empty:
                self.on_tick()
            else:
                call()
                del call


def answer(future: Future[T], function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except (KeyboardInterrupt, SystemExit):
        future.set_exception(CancelledError())
        raise  # it is for the test, not for an event loop on another thread
    except BaseException as error:  # noqa: BLE001  whoever asked gets it
        future.set_exception(error)
        del error
    else:
        future.set_result(result)
