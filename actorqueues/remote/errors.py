"""What the other side refuses is raised here as what it would raise there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NoReturn, TypeVar

from actorqueues import exceptions
from actorqueues.exceptions import ActorQueuesError

E = TypeVar("E", bound=ActorQueuesError)


class RemoteError(ActorQueuesError):
    """The service answered {answer}."""

    code = "remote.error"
    status = 502

    @property
    def wire_code(self) -> str:
        """``group.code`` as the service said it: ``auth.forbidden``, ``request.throttled``."""
        return str(self.metadata.get("wire_code", self.code))


class Unreachable(RemoteError):
    """The service cannot be reached: {problem}"""

    code = "remote.unreachable"
    status = 503


def raise_for(status: int, said: Any) -> None:
    """Raises what an answer with this status and this JSON (None: there was none) means, if it is an error."""
    if 200 <= status < 300:
        return
    if status < 400 or not isinstance(said, Mapping) or "code" not in said:
        raise RemoteError(answer=f"with status {status}", status=status)
    raise error_of(said, status=status)


def error_of(said: Mapping[str, Any], **more: Any) -> ActorQueuesError:
    """``{"group", "code", "message", "metadata"}`` as an exception. ``more``: metadata of what has no class here."""
    code = f"{said.get('group', 'remote')}.{said.get('code')}"
    metadata = said.get("metadata")
    known = dict(metadata) if isinstance(metadata, Mapping) else {}
    kind = errors_by_code().get(code)
    if kind is None:
        return made(RemoteError, said.get("message"), {**known, "wire_code": code, **more})
    return made(kind, said.get("message"), known)


def raise_unreadable(status: int) -> NoReturn:
    raise RemoteError(answer=f"with status {status} and no JSON of this API", status=status)


def made(kind: type[E], message: Any, metadata: dict[str, Any]) -> E:
    """Not by a call: some classes have arguments of their own."""
    error = kind.__new__(kind)
    ActorQueuesError.__init__(error, message if isinstance(message, str) else None, **metadata)
    return error


@cache
def errors_by_code() -> dict[str, type[ActorQueuesError]]:
    return {kind.code: kind for kind in kinds_of(ActorQueuesError) if kind.__module__ == exceptions.__name__}


def kinds_of(kind: type[ActorQueuesError]) -> Iterator[type[ActorQueuesError]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds_of(below)
