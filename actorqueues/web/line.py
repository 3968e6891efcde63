from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

LONGEST = 1000  # requests
LARGEST = 1_048_576  # characters


class Line:
    """What a socket was asked for, while it is done one after another. A socket that is asked for nothing has none."""

    __slots__ = ("frames", "serving", "size")

    def __init__(self) -> None:
        self.frames: deque[tuple[Any, int]] = deque()
        self.size = 0
        self.serving: asyncio.Task[None] | None = None

    def put(self, frame: Any, size: int) -> None:
        self.frames.append((frame, size))
        self.size += size

    def next(self) -> Any:
        frame, size = self.frames.popleft()
        self.size -= size
        return frame

    @property
    def is_long(self) -> bool:
        return len(self.frames) > LONGEST or self.size > LARGEST
