"""One thread a process and database that reads new events once for all who listen to them here."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import connections

from actorqueues.conf import settings
from actorqueues.events.feeds import Feed, Receive, Subscription, Topic
from actorqueues.events.live import CaughtUp, Told
from actorqueues.events.reading import EventReader, Look, Tidings
from actorqueues.singletons import PerDatabase
from actorqueues.wakeups import Listener

logger = logging.getLogger("actorqueues.events")

IDLE = 2.0  # seconds without listeners, then the thread ends and gives its connections back
TURN = 200  # topics of one look in a round
RETRY = 0.2  # seconds after the database could not be read


Batches = dict[asyncio.AbstractEventLoop, list[tuple[Receive, list[Told]]]]


class EventHub:
    """Hints only tell where to look; each ``POLL_INTERVAL`` a round of small looks goes through everything."""

    def __init__(self, using: str) -> None:
        self.using = using
        self._changed = threading.Condition()
        self._feeds: dict[UUID, Feed] = {}
        self._hinted: set[UUID] = set()
        self._anything = False  # a hint without ids: something was committed
        self._thread: threading.Thread | None = None
        self._round: list[UUID] = []  # topics that are left of it
        self._round_at = 0.0  # when the last one began

    def subscribe(
        self, topic: Topic, receive: Receive, *, after: int | None = None, generation: int | None = None
    ) -> Subscription:
        """Call it on the event loop that ``receive`` shall be called on. ``Started`` is the first it gets.

        ``after``: numbered events above this are handed over too, or ``Reset`` where they are gone (or where
        ``generation`` is not the actor's any more). Without it: what is committed from now on.
        """
        subscription = Subscription(topic, receive, asyncio.get_running_loop(), after, generation)
        with self._changed:
            feed = self._feeds.get(topic.id)
            if feed is None:
                feed = self._feeds[topic.id] = Feed(topic)
            feed.subscriptions.append(subscription)
            self._wake([topic.id])
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """What was on its way may still be handed over."""
        with self._changed:
            feed = self._feeds.get(subscription.topic.id)
            if feed is None:
                return
            with suppress(ValueError):
                feed.subscriptions.remove(subscription)
            if not feed.subscriptions:
                del self._feeds[subscription.topic.id]

    def catch_up(self, subscription: Subscription, tell: Callable[[], Any]) -> None:
        """Calls ``tell`` where ``receive`` is called, after all that is committed by now was handed over."""
        with self._changed:
            subscription.asked += (CaughtUp(tell),)
            self._wake([subscription.topic.id])

    @property
    def listeners(self) -> int:
        with self._changed:
            return sum(len(feed.subscriptions) for feed in self._feeds.values())

    def _wake(self, ids: Iterable[UUID]) -> None:
        self._hinted.update(ids)
        if self._thread is None:
            name = f"actorqueues-events-{self.using}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _on_hint(self, topic: str, ids: Collection[UUID] | None) -> None:
        with self._changed:
            if ids is None:
                self._anything = True
            elif mine := self._feeds.keys() & ids:
                self._hinted |= mine
            else:
                return
            self._changed.notify_all()

    def _run(self) -> None:
        reader: EventReader | None = None
        listener = Listener(self.using, ["events"], self._on_hint, quick=True)
        listener.start()
        try:
            while (look := self._next_look()) is not None:
                reader = self._look(look, reader)
        finally:
            listener.stop()
            connections[self.using].close()

    def _next_look(self) -> Look | None:
        """Sleeps until there is something to look at; None when nobody has listened for a while."""
        with self._changed:
            hinted = self._changed.wait_for(lambda: self._hinted or self._anything, self._pause())
            if not self._feeds and not hinted:
                self._thread = None
                return None
            begins = time.monotonic() >= self._round_at + settings.POLL_INTERVAL and not self._round
            if begins:
                self._round, self._round_at = list(self._feeds), time.monotonic()
            turn = set(self._round[-TURN:])
            del self._round[-TURN:]
            ids, anything = self._hinted, self._anything
            self._hinted, self._anything = set(), False
            chosen = self._feeds.keys() if anything else self._feeds.keys() & (ids | turn)
            feeds = {topic: self._feeds[topic] for topic in chosen if self._feeds[topic].subscriptions}
        ends = not self._round and (begins or bool(turn))
        return Look(feeds, ids, turn, anything, begins, ends)

    def _pause(self) -> float:
        if self._round:  # events that come meanwhile wait for one small look, not for all of them
            return 0.0
        if not self._feeds:
            return IDLE
        return max(0.0, self._round_at + settings.POLL_INTERVAL - time.monotonic())

    def _look(self, look: Look, reader: EventReader | None) -> EventReader | None:
        try:
            reader = reader or EventReader(self.using)
            tidings = reader.read(look)
        except Exception as error:  # noqa: BLE001  whatever the driver raises: nothing was handed over yet
            logger.warning("events cannot be read from %s (%s); trying again", self.using, error)
            connections[self.using].close()
            time.sleep(RETRY)
            with self._changed:
                self._round, self._round_at = [], 0.0
            return reader
        with self._changed:
            batches = self._hand_over(tidings)
        for loop, batch in batches.items():
            with suppress(RuntimeError):  # the loop is closed: nobody listens there any more
                loop.call_soon_threadsafe(deliver, batch)
        return reader

    def _hand_over(self, tidings: Tidings) -> Batches:
        batches: Batches = {}
        for subscription, told in tidings.sort_out():
            if told:
                batches.setdefault(subscription.loop, []).append((subscription.receive, told))
        return batches


def deliver(batch: list[tuple[Receive, list[Told]]]) -> None:
    for receive, told in batch:
        try:
            receive(told)
        except Exception:
            logger.exception("a listener raised")


event_hub_of = PerDatabase(EventHub)
