"""Actors of another service, over its REST API: ``Client("https://shop.example/api/actors/")``. Needs httpx.

Django need not be set up where this is used.
"""

try:
    import httpx  # noqa: F401
except ImportError as error:
    raise ImportError("actorqueues.remote needs httpx: pip install 'actorqueues[remote]'") from error

from actorqueues.remote.client import Client
from actorqueues.remote.errors import RemoteError, Unreachable
from actorqueues.remote.handle import RemoteHandle

__all__ = ["Client", "RemoteError", "RemoteHandle", "Unreachable"]
