"""What an actor class exposes. What it does not is told to nobody: the answer is that of a name that is not there."""

from __future__ import annotations

from typing import Any

from actorqueues.definitions.action import Action
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.names import suggestion
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.registry import registry
from actorqueues.exceptions import ActionNotFound, UnknownActor, UnknownQueue


def exposed_actors() -> list[type[Actor[Any]]]:
    """By type name."""
    found = [actor_class for actor_class in registry.all() if actor_class.definition.exposed]
    return sorted(found, key=lambda actor_class: actor_class.type_name)


def exposed_actor(type_name: str) -> type[Actor[Any]]:
    """Raises ``UnknownActor``."""
    found = registry.find(type_name)
    if found is None or not found.definition.exposed:
        known = [actor_class.type_name for actor_class in exposed_actors()]
        raise UnknownActor(name=type_name, suggestion=suggestion(type_name, known))
    return found


def exposed_queue(actor_class: type[Actor[Any]], name: str) -> Queue[Any, Any]:
    """Raises ``UnknownQueue``."""
    known = exposed_queues(actor_class)
    if name not in known:
        raise UnknownQueue(actor_type=actor_class.type_name, name=name, suggestion=suggestion(name, known))
    return known[name]


def exposed_action(actor_class: type[Actor[Any]], name: str) -> Action[Any, Any]:
    """Raises ``ActionNotFound``."""
    known = exposed_actions(actor_class)
    if name not in known:
        raise ActionNotFound(actor_type=actor_class.type_name, name=name, suggestion=suggestion(name, known))
    return known[name]


def exposed_queues(actor_class: type[Actor[Any]]) -> dict[str, Queue[Any, Any]]:
    definition = actor_class.definition
    return {name: queue for name, queue in definition.queues.items() if definition.exposes(name)}


def exposed_actions(actor_class: type[Actor[Any]]) -> dict[str, Action[Any, Any]]:
    definition = actor_class.definition
    return {name: action for name, action in definition.actions.items() if definition.exposes(name)}
