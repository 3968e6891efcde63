"""What a project's own consumers hear through the channel layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from channels.layers import get_channel_layer

from actorqueues.client.handle import Handle
from actorqueues.client.users import user_id_of
from actorqueues.conf import settings
from actorqueues.events.live import LiveEvent
from actorqueues.storage.events import user_topic

TYPE = "actor.event"  # so a consumer's method is actor_event


def actor_group(actor: Handle[Any]) -> str:
    """The group that gets an actor's events, but for those to one user."""
    return f"actorqueues.actor.{actor._target.actor_id.hex}"


def user_group(user: Any) -> str:
    """The group that gets what any actor addresses to this user (or the user with this id). Raises ``TypeError``."""
    user_id = user_id_of(user)
    if user_id is None:
        raise TypeError("user_group() is of a user who has an id.")
    return f"actorqueues.user.{user_topic(user_id).hex}"


async def publish(events: Sequence[LiveEvent]) -> None:
    layer = None if settings.CHANNEL_LAYER is None else get_channel_layer(settings.CHANNEL_LAYER)
    if layer is None:
        return
    for event in events:
        await layer.group_send(group_of(event), message_of(event))


def group_of(event: LiveEvent) -> str:
    if event.user_id is not None:
        return user_group(event.user_id)
    return f"actorqueues.actor.{event.actor_id.hex}"


def message_of(event: LiveEvent) -> dict[str, Any]:
    return {
        "type": TYPE,
        "actor": event.actor_type,
        "key": list(event.key),
        "event": event.name,
        "number": event.number,
        "message": None if event.message_uid is None else event.message_uid.hex,
        "data": json.loads(event.data),
    }
