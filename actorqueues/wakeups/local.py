"""Listeners of this process: they are told directly, whatever the transport."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from uuid import UUID

logger = logging.getLogger("actorqueues.wakeups")

OnHint = Callable[[str, Collection[UUID] | None], None]

_lock = threading.Lock()
_listeners: dict[tuple[str, str], tuple[OnHint, ...]] = {}


def add(using: str, topic: str, on_hint: OnHint) -> None:
    with _lock:
        _listeners[using, topic] = (*_listeners.get((using, topic), ()), on_hint)


def remove(using: str, topic: str, on_hint: OnHint) -> None:
    with _lock:
        _listeners[using, topic] = tuple(one for one in _listeners.get((using, topic), ()) if one != on_hint)


def tell(using: str, topic: str, ids: Collection[UUID] | None) -> None:
    for on_hint in _listeners.get((using, topic), ()):
        call(on_hint, topic, ids)


def call(on_hint: OnHint, topic: str, ids: Collection[UUID] | None) -> None:
    try:
        on_hint(topic, ids)
    except Exception:
        logger.exception("A listener for %s raised", topic)
