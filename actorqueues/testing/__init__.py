"""What projects use to test their actors. Imported lazily: a pytest plugin is loaded before Django is ready."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorqueues.testing.actors import Actors
    from actorqueues.testing.mixin import ActorTestMixin
    from actorqueues.testing.sent import SentMessage

_MODULES = {"Actors": "actors", "ActorTestMixin": "mixin", "SentMessage": "sent"}

__all__ = ["ActorTestMixin", "Actors", "SentMessage"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value
