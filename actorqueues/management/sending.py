"""``manage.py actorqueues send``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from actorqueues.definitions.keys import decode_key
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.registry import registry, resolve_queue


def send(
    type_name: str,
    key: str,
    queue_name: str,
    body: Any,
    *,
    wait: bool,
    timeout: float | None,
    database: str,
) -> tuple[Queue[Any, Any], Any]:
    """Sends; gives the queue, and the receipt or, with ``wait``, the result."""
    actor_class = registry.get(type_name)
    queue = resolve_queue(actor_class, queue_name)
    with actors_on(database):
        handle = actor_class.get_or_create(decode_key(key))
        if not wait:
            return queue, handle.send(queue, body)
        given: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        return queue, handle.send(queue, body, wait=True, **given)


@contextmanager
def actors_on(database: str) -> Iterator[None]:
    """Handles have one database, that of the settings: this process does nothing else meanwhile."""
    before = getattr(settings, "ACTORQUEUES", {})
    settings.ACTORQUEUES = {**before, "DATABASE": database}
    try:
        yield
    finally:
        settings.ACTORQUEUES = before


def outcome_text(queue: Queue[Any, Any], result: Any) -> str:
    """What to print: the message's id, or its reply as JSON, or why there is none."""
    status = getattr(result, "status", None)
    if status is None:
        return f"sent {result.id}"
    if status != "completed":
        return f"{status.replace('_', ' ')} {result.id}" + (f": {result.error}" if result.error else "")
    if queue.reply is None or result.response is None:
        return f"completed {result.id}"
    return queue.reply.dump(result.response)
