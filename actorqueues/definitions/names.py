"""Names of actor types, queues and actions."""

import difflib
import re
from collections.abc import Iterable

MAX_NAME_LENGTH = 64
_TYPE_NAME = re.compile(r"[a-z0-9_.-]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(class_name: str) -> str:
    """``HTTPSync`` is ``http_sync``."""
    return _HUMPS.sub("_", class_name).lower()


def check_type_name(name: object, class_name: str) -> str:
    """Raises ``TypeError`` unless ``name`` is 1 to 64 of a-z, 0-9, ``_``, ``.`` and ``-``."""
    if isinstance(name, str) and len(name) <= MAX_NAME_LENGTH and _TYPE_NAME.fullmatch(name):
        return name
    raise TypeError(
        f"The type name {name!r} of {class_name} must be 1 to {MAX_NAME_LENGTH} characters of a-z, 0-9, '_', "
        f"'.' and '-'. Set type_name = \"...\" in the class."
    )


def check_name(name: object, where: str) -> str:
    """Raises ``TypeError`` unless ``name`` is 1 to 64 of A-Z, a-z, 0-9, ``_``, ``.`` and ``-``."""
    if isinstance(name, str) and len(name) <= MAX_NAME_LENGTH and _NAME.fullmatch(name):
        return name
    raise TypeError(
        f"{where}: {name!r} must be 1 to {MAX_NAME_LENGTH} characters of A-Z, a-z, 0-9, '_', '.' and '-'. "
        f"Give a wire name with name=."
    )


def suggestion(name: str, known: Iterable[str]) -> str:
    """`` Did you mean "increment"?``, or what there is; with a space in front, for the end of a sentence."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    if near:
        return f' Did you mean "{near[0]}"?'
    return f" There are: {', '.join(names)}." if names else " There are none."
