"""Keys in URLs: one path segment that ``/``, ``..``, proxies and servers leave alone.

Parts are joined by ``,``. In each, what is not a letter, a digit, ``-``, ``_`` or ``.`` becomes its UTF-8 bytes as
``~2F``: percent-encoding with ``~`` for ``%``, since servers and proxies undo the usual one before routing. A part
of dots alone is escaped as a whole; an empty part is ``~``, a key without parts ``~~``.
"""

from __future__ import annotations

import re

from actorqueues.exceptions import KeyInvalid

EMPTY_PART = "~"
NO_PARTS = "~~"
UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
ESCAPES = re.compile(r"(?:~[0-9A-Fa-f]{2})+")


def encode_segment(parts: tuple[str, ...]) -> str:
    """The segment of a key, given its parts as text: ``("42", "a/b")`` is ``42,a~2Fb``."""
    return ",".join(encode_part(part) for part in parts) if parts else NO_PARTS


def encode_part(part: str) -> str:
    if not part:
        return EMPTY_PART
    if not part.strip("."):  # "." and "..", and no reason to try what others make of "..."
        return "~2E" * len(part)
    return UNSAFE.sub(escape, part)


def escape(character: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in character[0].encode())


def decode_segment(segment: str) -> tuple[str, ...]:
    """The parts of a key. What needs no escape in the URL at hand (``@``, ``é``) may stand there as it is.

    Raises ``KeyInvalid`` for a ``~`` without two hexadecimal digits, for bytes that are not UTF-8 and for an empty
    part that is not written ``~``.
    """
    if segment == NO_PARTS:
        return ()
    return tuple(decode_part(part) for part in segment.split(","))


def decode_part(part: str) -> str:
    if part == EMPTY_PART:
        return ""
    text = ESCAPES.sub(unescape, part)
    if not part or "~" in ESCAPES.sub("", part):
        raise KeyInvalid(
            f"{part!r} is not a part of a key in a URL: an empty part is ~, and ~ begins an escape such as ~2F."
        )
    return text


def unescape(escapes: re.Match[str]) -> str:
    try:
        return bytes.fromhex(escapes[0].replace("~", "")).decode()
    except UnicodeDecodeError:
        raise KeyInvalid(f"{escapes[0]!r} does not stand for UTF-8 text.") from None
