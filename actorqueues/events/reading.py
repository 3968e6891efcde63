"""One look of the hub: few queries for all feeds, then who is told what."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from actorqueues.events.feeds import ActorTopic, Feed, Subscription, UserTopic, events_of, in_order
from actorqueues.events.live import LiveEvent, Reset, Told, live_event
from actorqueues.storage import events
from actorqueues.storage.dialects import EventRow
from actorqueues.storage.events import Standing
from actorqueues.wakeups import transport_of

# Seconds within which an event that took its id is committed, mostly: on PostgreSQL ids are not in the order of the
# commits. Numbered events of an actor do not depend on it: they have no gaps.
LAG = 1.0
MOST_ADDRESSES = 10_000

Address = tuple[str, tuple[str, ...]]
Marked = list[tuple[EventRow, LiveEvent]]


class Look(NamedTuple):
    feeds: dict[UUID, Feed]  # all, where there may be news of any topic, else those to look at
    hinted: set[UUID]
    turn: set[UUID]  # whose turn it is in a round, hint or no hint
    anything: bool  # there may be news of any topic
    begins: bool  # a round
    ends: bool


@dataclass(slots=True)
class Share:
    """What one feed gets of a look. Its listeners are those at the beginning: who came since waits for the next."""

    feed: Feed
    listeners: list[tuple[Subscription, int]]  # with how many of its questions the look answers
    standing: Standing | None
    rows: list[EventRow]

    @property
    def has_new(self) -> bool:
        return any(not subscription.started for subscription, _ in self.listeners)


class Tidings:
    def __init__(self, shares: list[Share], newest: int, floor: int, addresses: dict[UUID, Address]) -> None:
        self.shares, self.newest, self.floor, self.addresses = shares, newest, floor, addresses

    def sort_out(self) -> Iterator[tuple[Subscription, list[Told]]]:
        """Everything that a failed look must not have changed is changed here."""
        for share in self.shares:
            share.feed.prune(self.floor)
            marked = self.mark(share.feed, share.rows)
            for subscription, questions in share.listeners:
                subscription.prune(self.floor)
                told = self.begin(subscription, share.standing, share.feed.seen)
                told += self.pick(subscription, marked)
                told += self.notice_loss(subscription, share.standing)
                told += subscription.asked[:questions]
                subscription.asked = subscription.asked[questions:]
                yield subscription, told

    def begin(
        self, subscription: Subscription, standing: Standing | None, seen: frozenset[int]
    ) -> list[Told]:
        if not subscription.started:
            return subscription.start(standing or Standing(), self.newest, seen)
        if standing is None or isinstance(subscription.topic, UserTopic):
            return []
        return subscription.follow_life(standing)

    def mark(self, feed: Feed, rows: list[EventRow]) -> Marked:
        if isinstance(feed.topic, ActorTopic):
            return events_of(feed.topic, in_order(feed, rows))
        return [
            (row, live_event(row, *self.addresses[row.actor_id]))
            for row in feed.fresh(rows)
            if row.actor_id in self.addresses
        ]

    def pick(self, subscription: Subscription, marked: Marked) -> list[Told]:
        if isinstance(subscription.topic, UserTopic):
            return [event for row, event in marked if subscription.is_new(row.id)]
        return subscription.pick(marked)

    def notice_loss(self, subscription: Subscription, standing: Standing | None) -> list[Told]:
        """Its next events were dropped, and none came after them."""
        if standing is None or (subscription.last or 0) >= standing.number:
            return []
        subscription.last = standing.number
        return [Reset(standing)]


class EventReader:
    """Keeps what a look needs to know of the ones before it."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.in_commit_order = transport_of(using) == "sqlite"  # of the ids
        self.probed = self.round_newest = events.newest_event_id(using=using)
        self.floor = self.probed
        if not self.in_commit_order:
            self.floor = events.newest_event_id_before(LAG, using=using)
        self.round_at = time.monotonic()
        self.marks: deque[tuple[float, int]] = deque()  # when a round began, and the newest id then
        self.addresses: dict[UUID, Address] = {}

    def read(self, look: Look) -> Tidings:
        floor, newest = self.floor, 0
        if look.begins or look.anything:
            newest = events.newest_event_id(using=self.using)
        if look.begins:
            self.round_at, self.round_newest = time.monotonic(), newest
        turn, ids = look.turn, look.hinted | look.turn
        if look.anything:
            turn, ids = self.probe(look, newest)
        shares = [
            Share(feed, listeners_of(feed), None, []) for topic, feed in look.feeds.items() if topic in ids
        ]
        if not newest and any(share.has_new for share in shares):
            newest = events.newest_event_id(using=self.using)
        self.read_actors([share for share in shares if isinstance(share.feed.topic, ActorTopic)], turn)
        self.read_users([share for share in shares if isinstance(share.feed.topic, UserTopic)])
        if look.ends:
            self.raise_floor()
        return Tidings(shares, newest, floor, self.addresses)

    def probe(self, look: Look, newest: int) -> tuple[set[UUID], set[UUID]]:
        """Something was committed: what about? Whose turn it is, and where to look at all."""
        if not self.in_commit_order:
            return set(look.feeds), set(look.feeds)
        found = events.topics_after(self.probed, using=self.using) if newest > self.probed else set()
        self.probed = newest
        return look.turn, look.hinted | look.turn | found

    def read_actors(self, shares: list[Share], turn: set[UUID]) -> None:
        """Those whose turn it is may have lost events that nothing tells of: their standing does."""
        by_id = {share.feed.topic.id: share for share in shares}
        asked = [actor_id for actor_id, share in by_id.items() if actor_id in turn or share.has_new]
        if asked:
            standings = events.read_standings(asked, using=self.using)
            for actor_id in asked:
                by_id[actor_id].standing = standings.get(actor_id, Standing())
        behind: dict[UUID, int] = {}
        quiet: list[UUID] = []
        for actor_id, share in by_id.items():
            heard = heard_by_all(share)
            if actor_id in turn and share.standing is not None and share.standing.number <= heard:
                quiet.append(actor_id)
            else:
                behind[actor_id] = heard
        rows = events.read_new_events(behind, self.floor, using=self.using)
        for row in rows + events.read_transient_events(quiet, self.floor, using=self.using):
            by_id[row.actor_id].rows.append(row)

    def read_users(self, shares: list[Share]) -> None:
        topics = {
            topic.user_id: share for share in shares if isinstance(topic := share.feed.topic, UserTopic)
        }
        if not topics:
            return
        found: defaultdict[UUID, list[EventRow]] = defaultdict(list)
        for row in events.read_addressed_events(list(topics), self.floor, using=self.using):
            topics[row.user_id or ""].rows.append(row)
            found[row.actor_id].append(row)
        if unknown := found.keys() - self.addresses.keys():
            if len(self.addresses) > MOST_ADDRESSES:
                self.addresses = {}
                unknown = set(found)
            self.addresses.update(events.read_addresses(unknown, using=self.using))

    def raise_floor(self) -> None:
        """What took its id long before this round began was seen in it, or will not come."""
        self.marks.append((self.round_at, self.round_newest))
        while self.marks and self.marks[0][0] <= self.round_at - LAG:
            self.floor = max(self.floor, self.marks.popleft()[1])


def listeners_of(feed: Feed) -> list[tuple[Subscription, int]]:
    return [(one, len(one.asked)) for one in list(feed.subscriptions)]


def heard_by_all(share: Share) -> int:
    """The number after which to read."""
    known = share.standing.number if share.standing is not None else None
    heard = [
        one.last if known is None else known if one.last is None else min(one.last, known)
        for one, _ in share.listeners
    ]
    return min((number or 0 for number in heard), default=0)
