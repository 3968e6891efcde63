"""Actors of another service, over its REST API: ``Client("https://shop.example/api/actors/")``. Needs httpx.

Django need not be set up where this is used.
"""

from actorqueues.remote.client import Client
from actorqueues.remote.errors import RemoteError, Unreachable
from actorqueues.remote.handle import RemoteHandle

__all__ = ["Client", "RemoteError", "RemoteHandle", "Unreachable"]
