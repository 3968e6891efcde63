"""Actors of another service, over its REST API: ``Client("https://shop.example/api/actors/")``.

Needs httpx, and websockets to hear events. Django need not be set up where this is used.
"""

try:
    import httpx  # noqa: F401
    import websockets  # noqa: F401
except ImportError as error:
    raise ImportError(f"actorqueues.remote needs {error.name}: pip install 'actorqueues[remote]'") from error

from actorqueues.remote.client import Client
from actorqueues.remote.errors import RemoteError, Unreachable
from actorqueues.remote.events import Event, Progress, Standing
from actorqueues.remote.handle import RemoteHandle

__all__ = ["Client", "Event", "Progress", "RemoteError", "RemoteHandle", "Standing", "Unreachable"]
