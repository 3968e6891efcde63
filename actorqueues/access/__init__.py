"""Who may publish, read, call and subscribe: what is exposed, and what an actor's hooks say. Plain callables."""

from actorqueues.access.exposure import exposed_action, exposed_actor, exposed_actors, exposed_queue
from actorqueues.access.permission import allows, require
from actorqueues.access.redacting import redacted
from actorqueues.access.requester import Access

__all__ = [
    "Access",
    "allows",
    "exposed_action",
    "exposed_actor",
    "exposed_actors",
    "exposed_queue",
    "redacted",
    "require",
]
