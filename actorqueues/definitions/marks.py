"""Values that stand for themselves in signatures."""

from enum import Enum
from typing import Final, Literal, TypeAlias


class Unset(Enum):
    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


class Content(Enum):
    CONTENT = "content"

    def __repr__(self) -> str:
        return "CONTENT"


UnsetType: TypeAlias = Literal[Unset.UNSET]
UNSET: Final = Unset.UNSET
"""The argument was left out: the setting decides. (None says "none".)"""

ContentType: TypeAlias = Literal[Content.CONTENT]
CONTENT: Final = Content.CONTENT
"""``dedupe=CONTENT``: the dedupe key is a hash of the body."""
