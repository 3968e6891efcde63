"""Keys: how an actor of a type is named, and the stored and public forms of that name."""

import hashlib
import re
from typing import Any, TypeAlias
from uuid import UUID

from actorqueues.exceptions import ActorNotFound, KeyInvalid

KeyPart: TypeAlias = str | int | UUID
Key: TypeAlias = KeyPart | tuple[KeyPart, ...]

MAX_PART_BYTES = 128
MAX_KEY_BYTES = 1024
MAX_STORED_LENGTH = 2100  # the column's width; only keys of very many tiny parts come near it

_EMPTY_KEY = "/"
_EMPTY_PART = "\\0"
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SEPARATOR = re.compile(r"(?<!\\)(?:\\\\)*/")


def normalise_key(key: Key) -> tuple[str, ...]:
    """The parts of ``key`` as text: ``7`` is ``("7",)``, ``(user_id, "cart")`` is ``("42", "cart")``.

    Raises ``KeyInvalid`` for None, bool, float, model instances and whatever else is no str, int, UUID or
    tuple of them, for NUL characters and lone surrogates, and beyond 128 UTF-8 bytes a part or 1,024 in all.
    """
    parts = tuple(_text(part) for part in (key if isinstance(key, tuple) else (key,)))
    sizes = [_size(part) for part in parts]
    for part, size in zip(parts, sizes, strict=True):
        if size > MAX_PART_BYTES:
            raise KeyInvalid(
                f"A part of a key has at most {MAX_PART_BYTES} UTF-8 bytes; {part[:20]!r}… has {size}.",
                size=size,
                limit=MAX_PART_BYTES,
            )
    if sum(sizes) > MAX_KEY_BYTES:
        raise KeyInvalid(
            f"A key has at most {MAX_KEY_BYTES} UTF-8 bytes; this one has {sum(sizes)}.",
            size=sum(sizes),
            limit=MAX_KEY_BYTES,
        )
    if len(parts) > MAX_PART_BYTES and len(encode_key(parts)) > MAX_STORED_LENGTH:
        raise KeyInvalid(f"A key of {len(parts)} parts is too long to be stored.", parts=len(parts))
    return parts


def _text(part: Any) -> str:
    if isinstance(part, str):
        return str.__str__(part)
    if isinstance(part, int) and not isinstance(part, bool):
        return _digits(part)
    if isinstance(part, UUID):
        return str(part)
    raise KeyInvalid(_complaint(part), kind=type(part).__name__)


def _digits(part: int) -> str:
    if (
        part.bit_length() > MAX_PART_BYTES * 4
    ):  # int() of more digits than Python converts would raise ValueError
        raise KeyInvalid(f"A part of a key has at most {MAX_PART_BYTES} digits.", limit=MAX_PART_BYTES)
    return int.__repr__(part)


def _complaint(part: Any) -> str:
    kind = type(part).__name__
    if hasattr(type(part), "_meta") and hasattr(part, "pk"):
        return f"A key is a str, int, UUID or a tuple of them, not a model instance: pass the {kind}'s pk."
    if part is None:
        return "A key is a str, int, UUID or a tuple of them, not None. Was the object saved?"
    if isinstance(part, bool | float):
        return f"A key is a str, int, UUID or a tuple of them, not {kind}. Its text is str({part!r})."
    return f"A key is a str, int, UUID or a tuple of them, not {kind}."


def _size(part: str) -> int:
    if part.isascii():
        if "\0" in part:
            raise KeyInvalid(f"A key must not contain NUL characters: {part[:20]!r}.")
        return len(part)
    try:
        size = len(part.encode())
    except UnicodeEncodeError:
        raise KeyInvalid(f"A key must not contain lone surrogates: {part[:20]!r}.") from None
    if "\0" in part:
        raise KeyInvalid(f"A key must not contain NUL characters: {part[:20]!r}.")
    return size


def encode_key(parts: tuple[str, ...]) -> str:
    r"""The stored form: parts joined by ``/``, escaped with ``\``; an empty part ``\0``, no parts ``/``."""
    if not parts:
        return _EMPTY_KEY
    return "/".join(_escape(part) for part in parts)


def _escape(part: str) -> str:
    return part.replace("\\", "\\\\").replace("/", "\\/") if part else _EMPTY_PART


def decode_key(stored: str) -> tuple[str, ...]:
    """The parts of a stored key. Raises ``KeyInvalid`` for text that ``encode_key`` cannot have made."""
    if stored == _EMPTY_KEY:
        return ()
    parts = tuple(_unescape(part) for part in _split(stored))
    if encode_key(parts) != stored:
        raise KeyInvalid(f"{stored!r} is not a stored key.")
    return parts


def _split(stored: str) -> list[str]:
    pieces, start = [], 0
    for match in _SEPARATOR.finditer(stored):
        pieces.append(stored[start : match.end() - 1])
        start = match.end()
    return [*pieces, stored[start:]]


def _unescape(part: str) -> str:
    return "" if part == _EMPTY_PART else _ESCAPED.sub(r"\1", part)


def actor_id_for(type_name: str, encoded_key: str) -> UUID:
    """The row's id, derived from type and stored key and stable for ever: a send needs no look-up."""
    digest = hashlib.sha256(f"{type_name}\0{encoded_key}".encode()).digest()
    return UUID(bytes=digest[:16])


def public_id(actor_id: UUID, generation: int) -> str:
    """The id users see: one life of the actor, from its creation until it is destroyed."""
    return f"{actor_id.hex}-{generation}"


def parse_public_id(text: str) -> tuple[UUID, int]:
    """The row's id and the generation. Raises ``ActorNotFound`` for text that is no actor's id."""
    identifier, _, generation = str(text).partition("-")
    if re.fullmatch(r"[0-9a-f]{32}", identifier) and re.fullmatch(r"[1-9][0-9]{0,8}", generation):
        return UUID(hex=identifier), int(generation)
    raise ActorNotFound(f"{text!r} is not the id of an actor.", actor=text)
