from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorqueues.definitions.queue import Queue
    from actorqueues.storage.dialects import Head


# Messages: a worker that wakes a thousand actors with deep mailboxes must not read all of them far ahead at once.
# Who has worked off what was read for him, gets so many times more.
FIRST = 10
GROWTH = 2

Clock = Callable[[], datetime]


def by_sequence(head: Head) -> int:
    return head.id


class QueueBuffer:
    """What is known in memory of one queue of one actor."""

    __slots__ = ("ahead", "enough", "heads", "held", "leaving", "more", "queue")

    def __init__(self, queue: Queue[Any, Any], ahead: int) -> None:
        self.queue = queue
        self.ahead = ahead  # how many the next read brings
        self.enough = 0  # with more than these at hand it is not read yet
        self.heads: list[Head] = []  # in order of their sequence
        self.held: set[int] = set()  # delivered and not settled, or on their way back: nothing overtakes them
        self.leaving: set[int] = set()  # settled, but a read may still show them
        self.more = True  # the database may hold messages that are not here

    @property
    def known(self) -> int:
        return len(self.heads) + len(self.held) + len(self.leaving)

    def first(self, now: Clock) -> Head | None:
        """The message that may be delivered next: a failing head makes its queue wait."""
        if self.held or not self.heads:
            return None
        head = self.heads[0]
        return None if head.retry_at is not None and head.retry_at > now() else head

    @property
    def runs_low(self) -> bool:
        """What is read again with the next ones is wasted; what runs out is waited for."""
        return self.more and len(self.heads) <= self.enough

    def put_back(self, head: Head) -> None:
        self.held.discard(head.id)
        insort(self.heads, head, key=by_sequence)


class Buffer:
    """The prefetched heads of an actor's queues. Only the holder reads its mailbox, so memory may deliver."""

    def __init__(self, queues: Mapping[str, Queue[Any, Any]], batch: int) -> None:
        self.batch = batch
        self.queues = {name: QueueBuffer(queue, min(FIRST, batch)) for name, queue in queues.items()}
        self.gone: set[int] | None = None  # while a read is under way: what left meanwhile may still be in it

    def __getitem__(self, name: str) -> QueueBuffer:
        return self.queues[name]

    def take(self, names: Iterable[str], count: int, now: Clock, paused: Callable[[str], bool]) -> list[Head]:
        """Up to ``count`` messages: by priority, then by sequence. They count as held."""
        if count == 1:
            return self._take_one(names, now, paused)
        candidates: list[tuple[int, int, Head]] = []
        for name in names:
            buffer = self.queues[name]
            if buffer.first(now) is None or paused(name):
                continue
            for head in buffer.heads[:count]:
                if head.retry_at is not None and head.retry_at > now():
                    break
                candidates.append((-buffer.queue.priority, head.id, head))
        taken = [head for *_, head in sorted(candidates, key=lambda one: one[:2])[:count]]
        for head in taken:
            self.hold(head)
        return taken

    def _take_one(self, names: Iterable[str], now: Clock, paused: Callable[[str], bool]) -> list[Head]:
        best: Head | None = None
        rank = (0, 0)
        for name in names:
            buffer = self.queues[name]
            head = buffer.first(now)
            if head is None or paused(name):
                continue
            if best is None or (-buffer.queue.priority, head.id) < rank:
                best, rank = head, (-buffer.queue.priority, head.id)
        if best is None:
            return []
        self.hold(best)
        return [best]

    def hold(self, head: Head) -> None:
        buffer = self.queues[head.queue]
        buffer.heads.remove(head) if buffer.heads[0] is not head else buffer.heads.pop(0)
        buffer.held.add(head.id)

    def settle(self, head: Head) -> None:
        """The next one may be delivered; the settled one may still be seen by a read until its commit."""
        buffer = self.queues[head.queue]
        buffer.held.discard(head.id)
        buffer.leaving.add(head.id)

    def forget(self, head: Head) -> None:
        """Its removal is durable."""
        self.queues[head.queue].leaving.discard(head.id)
        if self.gone is not None:
            self.gone.add(head.id)

    def put_back(self, head: Head) -> None:
        self.queues[head.queue].put_back(head)

    def limits(self) -> dict[str, int]:
        """How far to read each queue that runs low: what is known comes first in the answer, and one more tells
        whether there are more."""
        return {
            name: buffer.known + buffer.ahead + 1 for name, buffer in self.queues.items() if buffer.runs_low
        }

    def runs_low(self) -> bool:
        return any(buffer.runs_low for buffer in self.queues.values())

    def expect_more(self) -> None:
        for buffer in self.queues.values():
            buffer.more = True

    def merge(self, heads: Iterable[Head], limits: Mapping[str, int]) -> list[Head]:
        """Takes in what a read brought; returns what is new. A lower number can come after a higher one."""
        read: dict[str, list[Head]] = {name: [] for name in limits}
        for head in heads:
            read[head.queue].append(head)
        gone, self.gone = self.gone or set(), None
        fresh: list[Head] = []
        for name, rows in read.items():
            buffer = self.queues[name]
            buffer.more = len(rows) >= limits[name]
            if buffer.more:
                buffer.enough = buffer.ahead // GROWTH
                buffer.ahead = min(buffer.ahead * GROWTH, self.batch)
            here = {head.id for head in buffer.heads} | buffer.held | buffer.leaving | gone
            new = [head for head in rows if head.id not in here]
            buffer.heads.extend(new)
            buffer.heads.sort(key=by_sequence)
            fresh.extend(new)
        return fresh

    def next_due(self, names: Iterable[str], now: datetime) -> datetime | None:
        """When the first of these queues that waits for its failing head goes on."""
        times = [
            head.retry_at
            for name in names
            if (heads := self.queues[name].heads)
            and (head := heads[0]).retry_at is not None
            and head.retry_at > now
        ]
        return min((time for time in times if time is not None), default=None)

    def is_empty(self, names: Iterable[str] | None = None) -> bool:
        chosen = self.queues.values() if names is None else [self.queues[name] for name in names]
        return not any(buffer.heads or buffer.held for buffer in chosen)

    def backlog_is_done(self) -> bool:
        return all(not buffer.heads and not buffer.more for buffer in self.queues.values())
