"""What never goes into the database as JSON, and where in a document it is."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import SecretBytes, SecretStr
from pydantic.types import Secret
from pydantic_core import to_json

Path: TypeAlias = tuple[str | int, ...]
Refused: TypeAlias = tuple[str, Path]

NUL = "NUL characters are refused"
SURROGATE = "lone surrogates are refused: they have no UTF-8 form"
NOT_FINITE = "NaN and infinity are refused: JSON has no form for them"
SECRET = "a secret is refused: it would be stored as stars. Send a reference to it, or get_secret_value()"


def path_text(path: Iterable[str | int]) -> str:
    """``items.0.price``"""
    return ".".join(str(part) for part in path)


def walk(document: Any, path: Path = ()) -> Iterator[tuple[Any, Path]]:
    """Every value in a document with its path; keys are given as values too."""
    yield document, path
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield key, (*path, _part(key))
            yield from walk(value, (*path, _part(key)))
    elif isinstance(document, list | tuple | set | frozenset):
        for index, value in enumerate(document):
            yield from walk(value, (*path, index))


def _part(key: Any) -> str | int:
    return key if isinstance(key, str | int) else str(key)


def first_refused_json(document: Any) -> Refused | None:
    """The first NUL or number that is not finite in a loaded JSON document."""
    for value, path in walk(document):
        if isinstance(value, str) and "\0" in value:
            return NUL, path
        if isinstance(value, float) and not math.isfinite(value):
            return NOT_FINITE, path
    return None


def first_refused_value(document: Any) -> Refused | None:
    """The first secret or number that is not finite in plain Python values."""
    for value, path in walk(document):
        if isinstance(value, SecretStr | SecretBytes | Secret):
            return SECRET, path
        if isinstance(value, float) and not math.isfinite(value):
            return NOT_FINITE, path
    return None


def lone_surrogate(document: Any) -> Refused | None:
    """The first text that cannot be encoded."""
    for value, path in walk(document):
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                return SURROGATE, path
    return None


def not_serializable(document: Any) -> Refused | None:
    """The first value that pydantic cannot write as JSON."""
    for value, path in walk(document):
        if not isinstance(value, Mapping | list | tuple | set | frozenset):
            try:
                to_json(value)
            except ValueError as error:
                return str(error), path
    return None


def no_json(document: Any) -> Refused | None:
    """The first value or key that JSON has no form for."""
    for value, path in walk(document):
        if not isinstance(value, str | int | float | list | tuple | Mapping | None):
            return f"{type(value).__name__} is no JSON: store text or numbers, or use a pydantic model", path
    return None


def difference(before: Any, after: Any, path: Path = ()) -> Refused | None:
    """The first place where a document did not come back from JSON as it was."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key, value in before.items():
            if key not in after:
                return f"the key {key!r} comes back from JSON as text: use str keys", path
            found = difference(value, after[key], (*path, _part(key)))
            if found:
                return found
    elif isinstance(before, list | tuple) and type(before) is type(after) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            found = difference(one, other, (*path, index))
            if found:
                return found
    elif before != after:
        kinds = type(before).__name__, type(after).__name__
        return f"{kinds[0]} {before!r:.50} comes back from JSON as {kinds[1]} {after!r:.50}", path
    return None
