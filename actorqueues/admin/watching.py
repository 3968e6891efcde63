"""What the sockets of this process watch: each thing is looked at once for all, and only while somebody does."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Sequence

from actorqueues.admin.fingerprints import Seen, Thing
from actorqueues.bridge import in_thread
from actorqueues.conf import settings
from actorqueues.events.feeds import ActorTopic, Subscription
from actorqueues.events.hub import event_hub_of
from actorqueues.events.live import Started, Told
from actorqueues.web.lanes import call_on_lanes

logger = logging.getLogger("actorqueues.admin")

GAP = 0.35  # seconds between two changes that are told: the page that hears of it draws itself anew

Tell = Callable[[], None]


class Watch:
    """One thing, and those on one event loop who are told when it looks different."""

    def __init__(self, thing: Thing, using: str) -> None:
        self.thing, self.using = thing, using
        self.loop = asyncio.get_running_loop()
        self.listeners: set[Tell] = set()
        self.begun = asyncio.Event()
        """From here on no change is missed."""
        self.last: Seen | None = None
        self.told_at = 0.0
        self.telling: asyncio.TimerHandle | None = None
        self.subscription: Subscription | None = None
        # In a context of its own: whoever came first is not who it looks for.
        self.task = self.loop.create_task(self.run(), context=contextvars.Context())

    async def run(self) -> None:
        was_away = False
        call_on_lanes()
        while True:
            try:
                self.compare(await in_thread(self.thing.look, self.using))
                was_away = False
            except Exception as error:  # noqa: BLE001  whatever the driver raises: the next look tells
                if not was_away:
                    logger.warning("%s cannot be looked at (%s); trying again", self.thing, error)
                was_away = True
            await asyncio.sleep(self.thing.every)

    def compare(self, seen: Seen) -> None:
        if self.last is not None and seen.fingerprint != self.last.fingerprint:
            self.tell_soon()
        self.last = seen
        self.begun.set()
        if self.subscription is None and seen.topic is not None:
            self.listen(seen.topic)

    def listen(self, topic: ActorTopic) -> None:
        """So that events and progress show at once, and those that are not stored show at all."""
        self.subscription = event_hub_of(self.using).subscribe(topic, self.hear)

    def hear(self, told: Sequence[Told]) -> None:
        if not all(isinstance(one, Started) for one in told):
            self.tell_soon()

    def tell_soon(self) -> None:
        if self.telling is None and self.listeners:
            self.telling = self.loop.call_at(self.told_at + GAP, self.tell)

    def tell(self) -> None:
        self.telling, self.told_at = None, self.loop.time()
        for listener in list(self.listeners):
            listener()

    def end(self) -> None:
        self.task.cancel()
        if self.telling is not None:
            self.telling.cancel()
        if self.subscription is not None:
            event_hub_of(self.using).unsubscribe(self.subscription)


watches: dict[tuple[asyncio.AbstractEventLoop, Thing, str], Watch] = {}


def watch(thing: Thing, tell: Tell) -> Watch:
    """Calls ``tell`` on this event loop when the thing looks different, until ``unwatch``."""
    key = (asyncio.get_running_loop(), thing, settings.DATABASE)
    found = watches.get(key)
    if found is None:
        found = watches[key] = Watch(thing, settings.DATABASE)
    found.listeners.add(tell)
    return found


def unwatch(watched: Watch, tell: Tell) -> None:
    watched.listeners.discard(tell)
    key = (watched.loop, watched.thing, watched.using)
    if not watched.listeners and watches.get(key) is watched:
        del watches[key]
        watched.end()
