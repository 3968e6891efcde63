"""Message ids and the ids under which dedupe keys are stored."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from uuid import UUID

UUID7_BITS = (7 << 76) | (2 << 62)  # version and variant


def time_ordered_uid() -> UUID:
    """A version 7 UUID: 48 bits of milliseconds, the rest random. Sent together, stored together."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    return UUID(
        int=(milliseconds << 80)
        | ((random >> 68) << 64) & (0xFFF << 64)
        | random & ((1 << 62) - 1)
        | UUID7_BITS
    )


new_uid = getattr(uuid, "uuid7", time_ordered_uid)  # in the standard library from 3.14


def derived_uid(message_uid: UUID, call_number: int) -> UUID:
    """The id of the nth message that leaves a delivery at once: the same when the delivery is retried."""
    digest = hashlib.sha256(b"call %d of %s" % (call_number, message_uid.hex.encode())).digest()
    return UUID(bytes=digest[:16])


def key_id(kind: str, actor_id: UUID, *parts: str) -> UUID:
    """Where a dedupe or idempotency key is stored: a hash, so that long keys cost 16 bytes too."""
    hashed = hashlib.sha256(f"{kind}\0{actor_id.hex}".encode())
    for part in parts:
        encoded = part.encode()
        hashed.update(b"\0%d\0" % len(encoded))  # with its length: ("a", "bc") is not ("ab", "c")
        hashed.update(encoded)
    return UUID(bytes=hashed.digest()[:16])
