"""Which of an actor's events a socket hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rest_framework.exceptions import APIException

from actorqueues.client.targets import Target
from actorqueues.conf import settings
from actorqueues.events.feeds import ActorTopic, Subscription
from actorqueues.events.hub import event_hub_of
from actorqueues.events.live import LiveEvent, Reset, Started, Told
from actorqueues.gateway.protocol import event_text

LONGEST_START = 5.0  # seconds


class TooManySubscriptions(APIException):
    status_code = 429
    default_code = "too_many_subscriptions"


class Hearing:
    """On the socket's event loop. ``over`` is called when this life of the actor has ended."""

    def __init__(
        self,
        target: Target,
        generation: int,
        user_id: str | None,
        put: Callable[[Sequence[str]], None],
        over: Callable[[], None],
    ) -> None:
        self.target, self.generation, self.user_id = target, generation, user_id
        self.put, self.over = put, over
        self.names: set[str] = set()
        self.subscription: Subscription | None = None
        self.started = asyncio.Event()
        self.closed = False

    async def add(self, name: str) -> None:
        """Returns when everything that is committed from now on is heard.

        Raises ``TooManySubscriptions``, and ``TimeoutError`` where the database is away.
        """
        if name not in self.names and len(self.names) >= settings.WEBSOCKET_SUBSCRIPTIONS:
            raise TooManySubscriptions(f"There are {len(self.names)} subscriptions already.")
        if self.closed:  # while its permission was looked up
            return
        self.names.add(name)
        if self.subscription is None:
            hub = event_hub_of(self.target.using)
            topic = ActorTopic(self.target.actor_id, self.target.type_name, self.target.parts)
            self.subscription = hub.subscribe(topic, self.receive, generation=self.generation)
        async with asyncio.timeout(LONGEST_START):
            await self.started.wait()

    def forget(self, name: str) -> None:
        self.names.discard(name)

    def close(self) -> None:
        self.closed = True
        self.names.clear()
        if self.subscription is not None:
            event_hub_of(self.target.using).unsubscribe(self.subscription)

    def receive(self, told: Sequence[Told]) -> None:
        texts = []
        for one in told:
            if isinstance(one, Started):
                self.started.set()
            elif isinstance(one, LiveEvent) and self.hears(one):
                texts.append(one.text("rivet", event_text))
            elif isinstance(one, Reset) and one.standing.generation not in (None, self.generation):
                self.over()
                break
        if texts:
            self.put(texts)

    def hears(self, event: LiveEvent) -> bool:
        return event.name in self.names and event.user_id in (None, self.user_id)
