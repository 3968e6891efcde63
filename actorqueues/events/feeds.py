"""Who listens to what, and how far each has heard. Touched by the hub's thread, under its lock."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from actorqueues.events.live import CaughtUp, LiveEvent, Reset, Started, Told, live_event
from actorqueues.storage.dialects import EventRow
from actorqueues.storage.events import Standing, user_topic

Receive = Callable[[Sequence[Told]], None]

# One for all: a web process has thousands of feeds, and a set takes 216 bytes.
NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ActorTopic:
    """All events of one actor."""

    actor_id: UUID
    actor_type: str
    key: tuple[str, ...]

    @property
    def id(self) -> UUID:
        return self.actor_id


@dataclass(frozen=True, slots=True)
class UserTopic:
    """What actors of whatever type address to one user."""

    user_id: str

    @property
    def id(self) -> UUID:
        return user_topic(self.user_id)


Topic = ActorTopic | UserTopic


class Subscription:
    """One listener. ``receive(told)`` is called on its loop, in order."""

    __slots__ = (
        "asked",
        "born",
        "first",
        "generation",
        "last",
        "loop",
        "passed",
        "receive",
        "started",
        "topic",
    )

    def __init__(
        self,
        topic: Topic,
        receive: Receive,
        loop: asyncio.AbstractEventLoop,
        after: int | None = None,
        generation: int | None = None,
    ) -> None:
        self.topic, self.receive, self.loop = topic, receive, loop
        self.last = after  # the number it has heard last; None: whatever is the last one when it starts
        self.generation = generation
        self.started = False
        self.born = 0  # the newest id when it began
        self.passed: frozenset[int] | None = None  # ids up to this one that came before it; None: all
        self.first = 0  # numbered events above this are told
        self.asked: tuple[CaughtUp, ...] = ()

    def start(self, standing: Standing, newest: int, seen: frozenset[int]) -> list[Told]:
        """``seen``: the ids that its topic's feed has handed over by now, this look's among them."""
        self.born, self.passed = newest, seen
        if self.last is None:
            self.last = standing.number
        self.first = self.last
        began = [Started(standing), *self.follow_life(standing)]
        self.started = True  # last: what other threads ask of it is known then
        return began

    def tells(self, event_id: int, number: int | None) -> bool:
        """Whether an event of its topic is among what it is told, by now or later. From any thread, once it began."""
        return self.is_new(event_id) if number is None else number > self.first

    def is_new(self, event_id: int) -> bool:
        """Of an event that its feed hands over once.

        Ids are not in the order of the commits on PostgreSQL: a lower one that was not there yet is new all the same.
        """
        passed = self.passed
        return event_id > self.born or (passed is not None and event_id not in passed)

    def prune(self, floor: int) -> None:
        """Nothing up to this id is read any more."""
        if self.passed is not None and floor >= self.born:
            self.passed = None

    def follow_life(self, standing: Standing) -> list[Told]:
        """After a destroy numbers begin anew."""
        other = None not in (self.generation, standing.generation) and self.generation != standing.generation
        if standing.generation is not None:
            self.generation = standing.generation
        if not other and (self.last or 0) <= standing.number:
            return []
        self.last = self.first = standing.number
        return [Reset(standing)]

    def pick(self, rows: Iterable[tuple[EventRow, LiveEvent]]) -> list[Told]:
        """What it has not heard yet. Numbers have no gaps: one means that events were dropped meanwhile."""
        told: list[Told] = []
        last = self.last or 0
        for row, event in rows:
            if row.number is None:
                if self.is_new(row.id):
                    told.append(event)
            elif row.number > last:
                if row.number != last + 1:
                    told.append(Reset(Standing(row.generation, row.number - 1)))
                told.append(event)
                last = row.number
        self.last = last
        return told


class Feed:
    """The subscriptions to one topic."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.subscriptions: list[Subscription] = []
        self.seen = NONE  # ids above the hub's floor that were handed over

    def prune(self, floor: int) -> None:
        if self.seen:
            self.seen = frozenset(event_id for event_id in self.seen if event_id > floor) or NONE

    def fresh(self, rows: Iterable[EventRow]) -> list[EventRow]:
        """Those of the rows that are read over and over which were not handed over yet, by id."""
        found = sorted(row for row in rows if row.id not in self.seen)
        if found:
            self.seen = self.seen.union(row.id for row in found)
        return found


def in_order(feed: Feed, rows: Sequence[EventRow]) -> list[EventRow]:
    """Numbered events by number, the transient ones between them where their ids say."""
    numbered = sorted((row for row in rows if row.number is not None), key=lambda row: row.number or 0)
    transient = feed.fresh(row for row in rows if row.number is None)
    return list(heapq.merge(numbered, transient, key=lambda row: row.id))


def events_of(topic: ActorTopic, rows: Sequence[EventRow]) -> list[tuple[EventRow, LiveEvent]]:
    return [(row, live_event(row, topic.actor_type, topic.key)) for row in rows]
