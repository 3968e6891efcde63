"""What one socket is opened for: an actor's events, or a message's progress. It outlives the socket."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from actorqueues.remote.errors import error_of
from actorqueues.remote.events import Event, Heard, Progress, Standing

T = TypeVar("T")

ID = 1  # of a socket's only request
AWAY = frozenset({"database.unavailable"})


class Lost(ConnectionError):
    """The service is there, and cannot do it now."""


class Topic(ABC, Generic[T]):
    """``has_begun``: the service has agreed. ``is_over``: nothing more will come."""

    def __init__(self, address: Mapping[str, Any]) -> None:
        self.address = address
        self.has_begun = self.is_over = False

    @abstractmethod
    def greeting(self) -> dict[str, Any]: ...

    @abstractmethod
    def take(self, frame: dict[str, Any]) -> Iterator[T]:
        """What the caller is to hear of it. Raises what the service refuses with, and ``Lost``."""


def refuse_error(frame: dict[str, Any]) -> None:
    """Raises the error in this frame, if there is one and it is the end of what is listened to."""
    said = frame.get("error")
    if not isinstance(said, Mapping):
        return
    error = error_of(said)
    # Without an id it is of the socket, which is closed next: the close code tells whether to come again.
    if frame.get("id", ID) is None or f"{said.get('group')}.{said.get('code')}" in AWAY:
        raise Lost(error.message)
    raise error


class ActorTopic(Topic[Heard]):
    def __init__(self, address: Mapping[str, Any], names: Sequence[str], after: int | None) -> None:
        super().__init__(address)
        self.names, self.after = list(names), after
        self.generation: int | None = None

    def greeting(self) -> dict[str, Any]:
        known = {"after": self.after, "generation": self.generation, "events": self.names or None}
        said = {name: value for name, value in known.items() if value is not None}
        return {"type": "subscribe", "id": ID, **self.address, **said}

    def take(self, frame: dict[str, Any]) -> Iterator[Heard]:
        kind = frame["type"]
        if kind == "event":
            if frame["number"] is not None:
                self.after = frame["number"]
            yield Event(frame["number"], frame["event"], frame["data"], frame["message"])
        elif kind == "subscribed":
            self.has_begun, self.generation = True, frame["generation"]
            if self.after is None:
                yield self.stand(frame)
        elif kind == "reset":
            self.generation = frame["generation"]
            yield self.stand(frame)
        elif kind in ("error", "unsubscribed"):
            refuse_error(frame)

    def stand(self, frame: dict[str, Any]) -> Standing:
        number: int = frame["number"]
        self.after = number
        return Standing(number)


class MessageTopic(Topic[Progress]):
    def __init__(self, address: Mapping[str, Any], message: str) -> None:
        super().__init__(address)
        self.message = message
        self.last: Progress | None = None

    def greeting(self) -> dict[str, Any]:
        return {"type": "follow", "id": ID, **self.address, "message": self.message}

    def take(self, frame: dict[str, Any]) -> Iterator[Progress]:
        kind = frame["type"]
        if kind == "progress":
            report = Progress(
                frame["done"], frame.get("total"), frame.get("note") or "", frame.get("attempt") or 1
            )
            if report != self.last:  # a new socket begins with the last report once more
                self.last = report
                yield report
        elif kind == "following":
            self.has_begun = True
        elif kind == "settled":
            self.is_over = True
        elif kind in ("error", "unfollowed"):
            refuse_error(frame)
