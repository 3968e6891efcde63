"""How a message that comes from outside is sent, whatever brought it here."""

from __future__ import annotations

from typing import Any

from actorqueues.client.options import OutsideKey, SendOptions
from actorqueues.definitions.queue import Queue

LONGEST_WAIT = 3_600_000  # ms
LONGEST_DELAY = 10 * 366 * 86_400_000  # ms


def outside_options(
    queue: Queue[Any, Any],
    user: Any,
    *,
    delay: float | None = None,
    dedupe: str | None = None,
    idempotency_key: str | None = None,
) -> SendOptions:
    """``delay`` in milliseconds. Whoever is told an id may ask later, so the outcome is kept."""
    options: SendOptions = {"user": user, "track": True}
    if delay is not None:
        options["delay"] = delay / 1000
    if dedupe is not None:
        options["dedupe"] = OutsideKey(dedupe)
    elif delay and queue.dedupe is not None:
        # The body is the key, for everybody: equal ones of the project would wait as long as this one.
        options["dedupe"] = None
    if idempotency_key is not None:
        options["idempotency_key"] = OutsideKey(idempotency_key)
    return options
