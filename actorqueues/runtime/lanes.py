"""Threads for synchronous user code and its ORM calls."""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from django.db import connections

from actorqueues.definitions.context import current_delivery
from actorqueues.exceptions import DeliveryEnded

logger = logging.getLogger("actorqueues.lanes")

IDLE_LIMIT = 60.0  # seconds; then a lane closes its connections, and an extra one ends
FRESH = 1.0  # seconds a connection is trusted without asking it


class Lanes(Executor):
    """A few threads, each call on whichever is free. No connection is open longer than its lane lives.

    Calls, not actors, are spread: a slow actor holds one lane, never its neighbours. A call that blocks for
    a reply lends its slot: the reply may need a lane.
    """

    def __init__(self, size: int, name: str = "aq-lane") -> None:
        self.name, self.size = name, size
        self.calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.threads = 0
        self.idle = 0
        self.lent = 0
        self.closed = False

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self.lock:
            if self.closed:
                raise RuntimeError("the lanes are closed")
            self.calls.put((future, lambda: function(*args, **kwargs)))
            if self.idle < self.calls.qsize() and self.threads < self.size + self.lent:
                self.start_thread()
        return future

    def start_thread(self) -> None:
        self.threads += 1
        threading.Thread(target=self.serve, name=f"{self.name}-{self.threads}", daemon=True).start()

    @contextmanager
    def lend(self) -> Iterator[None]:
        with self.lock:
            self.lent += 1
            if self.calls.qsize() > self.idle:
                self.start_thread()
        try:
            yield
        finally:
            with self.lock:
                self.lent -= 1

    def serve(self) -> None:
        try:
            while (call := self.next_call()) is not None:
                self.run(*call)
                del call
        finally:
            connections.close_all()
            with self.lock:
                self.threads -= 1

    def next_call(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self.lock:
            if self.threads > self.size + self.lent and self.calls.empty():
                return None
            self.idle += 1
        try:
            while True:
                try:
                    return self.calls.get(timeout=IDLE_LIMIT)
                except queue.Empty:
                    connections.close_all()
        finally:
            with self.lock:
                self.idle -= 1

    @staticmethod
    def run(future: Future[Any], call: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            refresh_connections()
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  whatever it is, it is the caller's
            future.set_exception(error)
            del error

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self.lock:
            if self.closed:
                return
            self.closed = True
            for _ in range(self.threads):
                self.calls.put(None)


last_used = threading.local()


def refresh_connections() -> None:
    """Django recycles connections at the edges of requests, and there are none here.

    One that had errors, or was not used for a while, is asked whether it still works; every one that will
    be used in this thread refuses the queries of a delivery whose time is over.
    """
    now = time.monotonic()
    rested = now - getattr(last_used, "at", 0.0) > FRESH
    last_used.at = now
    for alias in connections:
        connection = connections[alias]
        if refuse_the_dead not in connection.execute_wrappers:
            connection.execute_wrappers.append(refuse_the_dead)
        if connection.connection is None or connection.in_atomic_block:
            continue
        if (connection.errors_occurred or rested) and not connection.is_usable():
            connection.close()
        connection.errors_occurred = False


def refuse_the_dead(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    delivery = current_delivery.get()
    if delivery is not None and getattr(delivery, "is_dead", False):
        raise DeliveryEnded(message_id=delivery.message.id)
    return execute(sql, params, many, context)


def in_context(function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    """The function bound to a copy of the caller's context, so that a lane knows whose call it runs."""
    context = contextvars.copy_context()
    return lambda: context.run(function, *args)
