"""All that one socket listens to, and who lets it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol
from uuid import UUID

from rest_framework.exceptions import APIException, NotAuthenticated

from actorqueues.access import Access, exposed_actor
from actorqueues.bridge import in_thread
from actorqueues.client.targets import Target
from actorqueues.client.waiting import uid_of
from actorqueues.conf import settings
from actorqueues.consumers.frames import Follow, Subscribe, SubscribeUser, Unfollow, Unsubscribe, written
from actorqueues.consumers.listeners import ActorListener, MessageListener, UserListener
from actorqueues.consumers.refusals import TooManySubscriptions
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.guards import has_own_hook
from actorqueues.events.live import LiveEvent
from actorqueues.exceptions import ActorQueuesError, MessageUnknown, UnknownActor
from actorqueues.storage.events import PROGRESS, Standing, last_progress_number, read_standings
from actorqueues.web.bodies import RequestInvalid
from actorqueues.web.callers import Caller
from actorqueues.web.errors import wire_error
from actorqueues.web.messages import Found, look_for

logger = logging.getLogger("actorqueues.consumers")

NAME_THEM = 'Who may hear what of "{}" depends on the event: name those that you want in "events".'

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Listener(Protocol):
    def close(self) -> None: ...
    def check(self) -> None: ...


class Listening:
    """On the event loop, but for what is called ``admit_…``."""

    def __init__(self, caller: Caller, put: Callable[[str], None], spawn: Spawn) -> None:
        self.caller, self.put, self.spawn = caller, put, spawn
        self.user_id: str | None = caller.user_id
        self.actors: dict[UUID, ActorListener] = {}
        self.messages: dict[UUID, MessageListener] = {}
        self.user: UserListener | None = None

    def takes_over(self, event: LiveEvent) -> bool:
        """Whether the actor's own listener tells this event of the user's."""
        listener = self.actors.get(event.actor_id)
        return listener is not None and listener.takes_over(event)

    # Actors

    async def subscribe(self, frame: Subscribe) -> None:
        """Answered when the subscription has begun. A second one to the same actor takes the first one's place."""
        target = await in_thread(self.admitted_target, frame)
        former = self.actors.pop(target.actor_id, None)
        if former is not None:
            former.close()
        self.refuse_many()
        listener = self.actors[target.actor_id] = ActorListener(self, target, frame.events, frame.id)
        listener.start(frame.after, frame.generation)

    def admitted_target(self, frame: Subscribe) -> Target:
        actor_class = exposed_actor(frame.actor)
        self.admit_subscription(actor_class, frame.parts, frame.events)
        return Target.by_key(actor_class, frame.parts, must_exist=False)

    def admit_subscription(
        self, actor_class: type[Actor[Any]], key: tuple[str, ...], names: Iterable[str] | None
    ) -> None:
        """Raises ``UnknownActor`` where events are not exposed, ``RequestInvalid``, and what ``admit`` raises."""
        refuse_hidden(actor_class, actor_class.definition.exposes("events"))
        if names is None and decides_by_name(actor_class):
            raise RequestInvalid(NAME_THEM.format(actor_class.type_name))
        for name in names or [""]:
            self.caller.admit(actor_class, key, "subscribe", name)

    async def unsubscribe(self, frame: Unsubscribe) -> None:
        actor_class = exposed_actor(frame.actor)
        target = Target.by_key(actor_class, frame.parts, must_exist=False)
        listener = self.actors.pop(target.actor_id, None)
        if listener is not None:
            listener.close()
        self.put(written(type="unsubscribed", id=frame.id, actor=target.type_name, key=target.parts))

    # The user

    async def subscribe_user(self, frame: SubscribeUser) -> None:
        if self.user_id is None:
            raise NotAuthenticated()
        if self.user is not None:
            self.user.close()
        self.user = UserListener(self, settings.DATABASE, frame.id)
        self.user.start(self.user_id)

    async def unsubscribe_user(self, request_id: str | int) -> None:
        if self.user is not None:
            self.user.close()
            self.user = None
        self.put(written(type="unsubscribed", id=request_id, user=True))

    # Messages

    async def follow(self, frame: Follow) -> None:
        """Begins with what the message has reported last."""
        target, uid, after, found = await in_thread(self.admitted_message, frame)
        self.forget_message(uid)
        self.refuse_many()
        listener = self.messages[uid] = MessageListener(self, target, uid, frame.id)
        listener.start(after, found)

    def admitted_message(self, frame: Follow) -> tuple[Target, UUID, int, Found]:
        actor_class = exposed_actor(frame.actor)
        self.admit_following(actor_class, frame.parts)
        target = Target.by_key(actor_class, frame.parts, must_exist=False)
        uid = uid_of(frame.message)
        # Before the others are looked at: what comes after this number is heard live.
        standing = read_standings([target.actor_id], using=target.using).get(target.actor_id, Standing())
        found = look_for(target, uid, self.access_to(target))
        if found is None or not exposes_progress(actor_class, found.queue):
            raise MessageUnknown(message_id=uid.hex)
        last = last_progress_number(target.actor_id, uid, using=target.using)
        return target, uid, standing.number if last is None else last - 1, found

    def admit_following(self, actor_class: type[Actor[Any]], key: tuple[str, ...]) -> None:
        self.caller.admit(actor_class, key, "subscribe", PROGRESS)

    def access_to(self, target: Target) -> Access:
        return self.caller.access(target.parts)

    async def unfollow(self, frame: Unfollow) -> None:
        self.forget_message(uid_of(frame.message))
        self.put(written(type="unfollowed", id=frame.id, message=frame.message))

    def forget_message(self, uid: UUID) -> None:
        listener = self.messages.pop(uid, None)
        if listener is not None:
            listener.close()

    # All of them

    def refuse_many(self) -> None:
        if len(self.actors) + len(self.messages) >= settings.WEBSOCKET_SUBSCRIPTIONS:
            raise TooManySubscriptions(limit=settings.WEBSOCKET_SUBSCRIPTIONS)

    def close(self) -> None:
        for listener in (*self.actors.values(), *self.messages.values(), self.user):
            if listener is not None:
                listener.close()
        self.actors, self.messages, self.user = {}, {}, None

    async def check_again(self) -> None:
        """Ends what is no longer allowed, and says so. Trouble of another kind changes nothing."""
        for actor_id, listener in list(self.actors.items()):
            error = await self.refusal_of(listener)
            if error is not None and self.actors.get(actor_id) is listener:  # not another one meanwhile
                del self.actors[actor_id]
                listener.close()
                self.put(written(type="unsubscribed", **listener.address, error=error))
        for uid, message in list(self.messages.items()):
            error = await self.refusal_of(message)
            if error is not None and self.messages.get(uid) is message:
                self.forget_message(uid)
                self.put(written(type="unfollowed", message=uid.hex, error=error))

    async def refusal_of(self, listener: Listener) -> dict[str, Any] | None:
        try:
            await in_thread(listener.check)
        except (ActorQueuesError, APIException) as error:
            return wire_error(error).payload
        except Exception as error:  # noqa: BLE001  of the database, or the project's own: the next check tells
            logger.warning("a permission could not be checked again: %s", error)
        return None


def refuse_hidden(actor_class: type[Actor[Any]], exposed: bool) -> None:
    if not exposed:
        name = actor_class.type_name
        raise UnknownActor(f'Actor type "{name}" has no events for those outside.', name=name)


def exposes_progress(actor_class: type[Actor[Any]], queue: str) -> bool:
    return actor_class.definition.exposes(queue) or actor_class.definition.exposes("events")


def decides_by_name(actor_class: type[Actor[Any]]) -> bool:
    """Whether its ``can_subscribe`` is its own: then nobody can tell what it says of names still to come."""
    return has_own_hook(actor_class, "can_subscribe")
