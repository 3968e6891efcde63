"""What one socket listens to: an actor, what is addressed to its user, a message's progress."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from actorqueues.access.permission import may_see
from actorqueues.bridge import in_thread
from actorqueues.client.targets import Target
from actorqueues.client.waiting import Pending
from actorqueues.consumers.frames import event_text, progress_text, standing_of, written
from actorqueues.definitions.registry import registry
from actorqueues.events.feeds import ActorTopic, Subscription, UserTopic
from actorqueues.events.hub import event_hub_of
from actorqueues.events.live import CaughtUp, LiveEvent, Reset, Started, Told
from actorqueues.exceptions import MessageUnknown
from actorqueues.storage.events import PROGRESS
from actorqueues.storage.outcomes import MessageStatus, StoredOutcome
from actorqueues.web.messages import Found, look_for
from actorqueues.web.outcomes import told_error, wire_outcome

if TYPE_CHECKING:
    from actorqueues.consumers.listening import Listening

LOOK_EVERY = 1.0  # seconds; for a message of which no outcome is kept


def topic_of(target: Target) -> ActorTopic:
    return ActorTopic(target.actor_id, target.type_name, target.parts)


class ActorListener:
    """Events of one actor, those of certain names or all."""

    def __init__(
        self, listening: Listening, target: Target, events: Sequence[str] | None, request_id: str | int
    ) -> None:
        self.listening, self.target, self.request_id = listening, target, request_id
        self.events = None if events is None else frozenset(events)
        self.subscription: Subscription | None = None
        self.held: list[LiveEvent] | None = []  # until it has begun

    @property
    def address(self) -> dict[str, Any]:
        return {"actor": self.target.type_name, "key": self.target.parts}

    def start(self, after: int | None, generation: int | None) -> None:
        hub = event_hub_of(self.target.using)
        topic = topic_of(self.target)
        self.subscription = hub.subscribe(topic, self.receive, after=after, generation=generation)

    def close(self) -> None:
        close_subscription(self.subscription, self.target.using)
        self.subscription = None
        self.give_back(lambda event: True)

    def check(self) -> None:
        """Whether its user may still listen. Raises what ``admit_subscription`` raises."""
        self.listening.admit_subscription(self.target.actor_class, self.target.parts, self.events)

    def hears(self, event: LiveEvent) -> bool:
        return (self.events is None or event.name in self.events) and (
            event.user_id is None or event.user_id == self.listening.user_id
        )

    def takes_over(self, event: LiveEvent) -> bool:
        """From the user's listener, what it tells itself. Nobody knows before it has begun: until then it is held."""
        if self.subscription is None or not self.hears(event):
            return False
        if self.held is not None:
            self.held.append(event)
            return True
        return self.subscription.tells(event.id, event.number)

    def give_back(self, is_the_user_s: Callable[[LiveEvent], bool]) -> None:
        held, self.held = self.held, None
        for event in held or ():
            if is_the_user_s(event):
                self.listening.put(event.text("v1", event_text))

    def receive(self, told: Sequence[Told]) -> None:
        subscription, put = self.subscription, self.listening.put
        if subscription is None:
            return
        for one in told:
            if isinstance(one, LiveEvent):
                if self.hears(one):
                    put(one.text("v1", event_text))
            elif isinstance(one, Started):
                self.give_back(lambda event: not subscription.tells(event.id, event.number))
                standing = standing_of(one.standing)
                put(written(type="subscribed", id=self.request_id, **self.address, **standing))
            elif isinstance(one, Reset):
                put(written(type="reset", **self.address, **standing_of(one.standing)))


class UserListener:
    """What actors that expose their events address to the socket's user. Nothing of it comes twice."""

    def __init__(self, listening: Listening, using: str, request_id: str | int) -> None:
        self.listening, self.using, self.request_id = listening, using, request_id
        self.subscription: Subscription | None = None

    def start(self, user_id: str) -> None:
        self.subscription = event_hub_of(self.using).subscribe(UserTopic(user_id), self.receive)

    def close(self) -> None:
        close_subscription(self.subscription, self.using)
        self.subscription = None

    def check(self) -> None:
        """Who one is, is checked with the session."""

    def receive(self, told: Sequence[Told]) -> None:
        if self.subscription is None:
            return
        for one in told:
            if isinstance(one, LiveEvent):
                if exposes_events(one.actor_type) and not self.listening.takes_over(one):
                    self.listening.put(one.text("v1", event_text))
            elif isinstance(one, Started):
                self.listening.put(written(type="subscribed", id=self.request_id, user=True))


class MessageListener:
    """A message's progress, and its end."""

    def __init__(self, listening: Listening, target: Target, uid: UUID, request_id: str | int) -> None:
        self.listening, self.target, self.uid, self.request_id = listening, target, uid, request_id
        self.sender_id: str | None = None
        self.subscription: Subscription | None = None
        self.watching: asyncio.Task[None] | None = None

    def start(self, after: int, found: Found) -> None:
        self.sender_id = found.user_id
        hub = event_hub_of(self.target.using)
        self.subscription = hub.subscribe(topic_of(self.target), self.receive, after=after)
        self.watching = self.listening.spawn(self.watch(found))

    def close(self) -> None:
        close_subscription(self.subscription, self.target.using)
        self.subscription = None
        if self.watching is not None:
            self.watching.cancel()

    def check(self) -> None:
        """Raises what ``admit_following`` raises, and ``MessageUnknown``: staff may be staff no longer."""
        self.listening.admit_following(self.target.actor_class, self.target.parts)
        if not may_see(self.listening.access_to(self.target), self.sender_id):
            raise MessageUnknown(message_id=self.uid.hex)

    def receive(self, told: Sequence[Told]) -> None:
        for one in told:
            if self.subscription is None:
                return
            if isinstance(one, LiveEvent):
                # By then it is known that its user may see the message.
                if one.message_uid == self.uid and one.name == PROGRESS:
                    self.listening.put(one.text("v1 progress", progress_text))
            elif isinstance(one, Started):
                answer = written(type="following", id=self.request_id, message=self.uid.hex)
                self.listening.put(answer)
            elif isinstance(one, CaughtUp):
                one.tell()

    async def watch(self, found: Found) -> None:
        end = await self.wait_for_end(found)
        if self.subscription is not None:  # what it reported last comes first
            event_hub_of(self.target.using).catch_up(self.subscription, lambda: self.end(end))

    async def wait_for_end(self, found: Found | None) -> Found | None:
        using, access = self.target.using, self.listening.access_to(self.target)
        if isinstance(found, MessageStatus) and found.keeps_outcome and found.status != "dead":
            return await Pending(using, self.uid).on_loop(math.inf)
        while isinstance(found, MessageStatus) and found.status != "dead":
            await asyncio.sleep(LOOK_EVERY)
            found = await in_thread(look_for, self.target, self.uid, access)
        return found

    def end(self, found: Found | None) -> None:
        if isinstance(found, StoredOutcome):
            told: dict[str, Any] = wire_outcome(found)
        elif found is None:  # nothing is kept of it
            told = {"status": "gone", "response": None}
        else:  # a dead letter
            told = {"status": "failed", "response": None, "error": told_error(found.error)}
        self.listening.put(written(type="settled", message=self.uid.hex, **told))
        self.listening.forget_message(self.uid)


def close_subscription(subscription: Subscription | None, using: str) -> None:
    if subscription is not None:
        event_hub_of(using).unsubscribe(subscription)


def exposes_events(actor_type: str) -> bool:
    actor_class = registry.find(actor_type)
    return actor_class is not None and actor_class.definition.exposes("events")
