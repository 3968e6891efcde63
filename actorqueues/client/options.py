"""The options of ``send``, and what they mean."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings as django_settings
from django.utils import timezone

from actorqueues.definitions.keys import Key, encode_key, normalise_key
from actorqueues.definitions.marks import CONTENT, ContentType
from actorqueues.durations import Duration, seconds
from actorqueues.storage.ids import key_id

LONGEST_KEY = 255  # bytes of an idempotency key


class OutsideKey(str):
    """A key that a client chose. It belongs to its user and never equals one that the project's own code uses:

    else anybody could send first under a key that can be guessed, and what the project sends would be a repeat.
    """

    __slots__ = ()


class SendOptions(TypedDict, total=False):
    """What every form of ``send`` takes by name."""

    delay: Duration  # not before this many seconds (or timedelta) from now
    at: datetime  # not before this moment
    dedupe: (
        Key | ContentType | None
    )  # equal keys within DEDUPE_WINDOW are sent once; None: not even by the queue's rule
    expires: Duration | datetime  # given up if it was not started by then
    idempotency_key: str | None  # repeats get the first one's outcome; another body is refused
    headers: Mapping[str, str] | None
    params: Mapping[str, Any] | None  # of the connection it came through
    user: Any  # a user, its primary key, or None for nobody
    track: bool  # keep its outcome, so that wait_for() finds it
    now: bool  # inside a delivery: leave at once instead of with it
    detached: bool  # although a transaction is open on another database


NAMES = frozenset(SendOptions.__annotations__)


def check_names(options: Mapping[str, Any]) -> None:
    unknown = options.keys() - NAMES
    if unknown:
        raise TypeError(
            f"send() has no option {', '.join(sorted(unknown))}. There are: {', '.join(sorted(NAMES))}."
        )


def start_of(options: SendOptions) -> tuple[float | None, datetime | None]:
    """``(delay in seconds, moment)``, at most one of them."""
    delay, at = options.get("delay"), options.get("at")
    if delay is not None and at is not None:
        raise ValueError("Give delay= or at=, not both.")
    wait = None if delay is None else finite(delay, "delay")
    return wait or None, None if at is None else aware(at, "at")


def expiry_of(options: SendOptions) -> tuple[float | None, datetime | None]:
    """``(seconds, moment)``, at most one of them."""
    expires = options.get("expires")
    if expires is None:
        return None, None
    if isinstance(expires, datetime):
        return None, aware(expires, "expires")
    return finite(expires, "expires"), None


def finite(duration: Duration, name: str) -> float:
    wait = seconds(duration, name)
    if math.isinf(wait):
        raise ValueError(f"{name} must be finite.")
    return wait


def aware(moment: datetime, name: str) -> datetime:
    if not isinstance(moment, datetime):
        raise TypeError(f"{name}= is a datetime, not {type(moment).__name__}.")
    if timezone.is_aware(moment):
        return moment
    if django_settings.USE_TZ:
        raise ValueError(
            f"{name}= is naive, and USE_TZ is on: give it a time zone (django.utils.timezone.now() has one)."
        )
    return timezone.make_aware(moment)


def dedupe_id(dedupe: Any, actor_id: UUID, queue: str, body: str | None, user_id: str | None) -> UUID | None:
    """Where this dedupe key is stored. Raises ``KeyInvalid``."""
    if dedupe is None:
        return None
    if dedupe is CONTENT:
        return key_id("content", actor_id, queue, "" if body is None else body)
    key = encode_key(normalise_key(dedupe))
    if isinstance(dedupe, OutsideKey):
        return key_id("outside dedupe", actor_id, queue, owner_of(user_id), key)
    return key_id("dedupe", actor_id, queue, key)


def is_idempotency_key(text: str) -> bool:
    try:
        return 0 < len(text.encode()) <= LONGEST_KEY
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON may carry it
        return False


def idempotency_id(key: str, actor_id: UUID, queue: str, user_id: str | None) -> UUID:
    """Where this idempotency key is stored: it is the user's own, for one queue of one actor."""
    if not isinstance(key, str) or not is_idempotency_key(key):
        raise ValueError(f"idempotency_key= is a text of 1 to {LONGEST_KEY} bytes.")
    kind = "outside idempotency" if isinstance(key, OutsideKey) else "idempotency"
    return key_id(kind, actor_id, queue, owner_of(user_id), key)


def owner_of(user_id: str | None) -> str:
    """A user named like nobody is not nobody."""
    return "" if user_id is None else f"={user_id}"


def fingerprint_of(body: str | None) -> str:
    return hashlib.sha256(b"" if body is None else body.encode()).hexdigest()


def meta_of(options: SendOptions, chain: tuple[str, ...], keys: list[UUID]) -> str | None:
    """JSON text of what else travels with a message; None for nothing, which is usual."""
    meta: dict[str, Any] = {}
    if headers := options.get("headers"):
        meta["headers"] = texts(headers)
    if params := options.get("params"):
        meta["params"] = dict(params)
    if chain:
        meta["chain"] = list(chain)
    if keys:
        meta["keys"] = [key.hex for key in keys]
    if not meta:
        return None
    text = json.dumps(meta, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if "\\u0000" in text:
        raise ValueError("headers= and params= must not contain NUL characters.")
    text.encode()  # lone surrogates: a ValueError here rather than in the database driver
    return text


def texts(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"headers= maps text to text: {name!r}: {value!r} does not.")
    return dict(headers)
