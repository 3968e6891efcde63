"""Events for a project's own consumers, through its channel layer. They may be lost: rows are the truth."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

from django.db import connections, transaction

from actorqueues.events.live import LiveEvent
from actorqueues.singletons import PerDatabase
from actorqueues.storage.events import read_addresses, topics_of
from actorqueues.storage.operations import Chain, Emission, Emit
from actorqueues.wakeups import announce_after_commit

logger = logging.getLogger("actorqueues.events")

Publish = Callable[[Sequence[LiveEvent]], Awaitable[None]]
Told = tuple[UUID, Emission]

publish: Publish | None = None
"""Set by ``apps.py`` where a channel layer is configured."""

MOST_WAITING = 10_000  # events
IDLE = 5.0  # seconds, then the thread ends and gives its connections back


def emitted(chain: Chain) -> list[Told]:
    """The events of a chain."""
    return [
        (chain.actor_id, emission)
        for step in chain.steps
        for operation in step
        if type(operation) is Emit
        for emission in operation.events
    ]


def tell_listeners(told: Iterable[Told], *, using: str) -> None:
    """Hints to those who listen, and what a channel layer gets, as soon as the caller's transaction has committed."""
    events = list(told)
    if not events:
        return
    topics = {topic for actor_id, one in events for topic in topics_of(actor_id, [one.user_id])}
    announce_after_commit("events", topics, using=using)
    if publish is None:
        return
    if connections[using].in_atomic_block:
        transaction.on_commit(partial(publisher_of(using).add, events), using=using, robust=True)
    else:
        publisher_of(using).add(events)


class Publisher:
    """A thread with an event loop of its own: a layer that is slow or away holds up nobody."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.waiting: queue.Queue[Told] = queue.Queue(MOST_WAITING)
        self.starting = threading.Lock()
        self.thread: threading.Thread | None = None
        self.addresses: dict[UUID, tuple[str, tuple[str, ...]]] = {}

    def add(self, events: Iterable[Told]) -> None:
        try:
            for event in events:
                self.waiting.put_nowait(event)
        except queue.Full:
            logger.warning("the channel layer is behind: events for it are dropped")
        with self.starting:
            if self.thread is None:
                name = f"actorqueues-publish-{self.using}"
                self.thread = threading.Thread(target=self.run, name=name, daemon=True)
                self.thread.start()

    def run(self) -> None:
        loop = asyncio.new_event_loop()
        try:
            while batch := self.next_batch():
                try:
                    loop.run_until_complete(self.publish(self.live_events(batch)))
                except Exception as error:  # noqa: BLE001  of the layer, or of the database
                    logger.warning("%d events were not published to the channel layer: %s", len(batch), error)
                    connections[self.using].close()
        finally:
            connections[self.using].close()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def next_batch(self) -> list[Told]:
        """Empty when nothing came for a while."""
        try:
            batch = [self.waiting.get(timeout=IDLE)]
        except queue.Empty:
            with self.starting:
                if self.waiting.empty():
                    self.thread = None
                    return []
            return self.next_batch()
        while not self.waiting.empty() and len(batch) < 1000:
            batch.append(self.waiting.get_nowait())
        return batch

    async def publish(self, events: Sequence[LiveEvent]) -> None:
        if publish is not None:
            await publish(events)

    def live_events(self, batch: Sequence[Told]) -> list[LiveEvent]:
        if unknown := {actor_id for actor_id, _ in batch} - self.addresses.keys():
            if len(self.addresses) > MOST_WAITING:
                self.addresses, unknown = {}, {actor_id for actor_id, _ in batch}
            self.addresses.update(read_addresses(unknown, using=self.using))
        return [
            LiveEvent(
                0,
                actor_id,
                *self.addresses[actor_id],
                one.number,
                one.name,
                one.data,
                one.message_uid,
                one.user_id,
            )
            for actor_id, one in batch
            if actor_id in self.addresses
        ]  # fmt: skip


publisher_of = PerDatabase(Publisher)
