from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """What ``send`` gives back.

    ``id`` names the message; a repeat under one dedupe or idempotency key gets the first one's.
    ``deduplicated``: nothing was stored, because the first one was. None inside a delivery, where the
    message is stored when the delivery settles.
    """

    id: str
    deduplicated: bool | None
