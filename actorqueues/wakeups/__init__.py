"""How a sleeping process learns of work. Wake-ups carry no truth: losing them costs one poll interval."""

from actorqueues.wakeups.announcing import announce, announce_after_commit
from actorqueues.wakeups.listening import Listener
from actorqueues.wakeups.transports import transport_of

__all__ = ["Listener", "announce", "announce_after_commit", "transport_of"]
