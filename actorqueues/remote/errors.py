"""What the other side refuses is raised here as what it would raise there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from actorqueues import exceptions
from actorqueues.exceptions import ActorQueuesError


class RemoteError(ActorQueuesError):
    """The service answered {answer}."""

    code = "remote.error"
    status = 502

    def __init__(self, message: str | None = None, **metadata: Any) -> None:
        super().__init__(message, **metadata)
        self.wire_code: str = metadata.get("wire_code", self.code)
        """``group.code`` as the service said it: ``auth.forbidden``, ``request.throttled``."""


class Unreachable(RemoteError):
    """The service cannot be reached: {problem}"""

    code = "remote.unreachable"
    status = 503


def raise_for(status: int, said: Any) -> None:
    """Raises what an answer with this status and this JSON (None: there was none) means, if it is an error."""
    if status < 400:
        return
    if not isinstance(said, Mapping) or "code" not in said:
        raise RemoteError(answer=f"with status {status}", status=status)
    code = f"{said.get('group', 'remote')}.{said['code']}"
    metadata = said.get("metadata") or {}
    known = errors_by_code().get(code)
    if known is None:
        told = {**metadata, "wire_code": code, "status": status}
        raise RemoteError(said.get("message"), **told)
    error = known.__new__(known)
    ActorQueuesError.__init__(error, said.get("message"), **metadata)
    raise error


@cache
def errors_by_code() -> dict[str, type[ActorQueuesError]]:
    return {kind.code: kind for kind in kinds_of(ActorQueuesError) if kind.__module__ == exceptions.__name__}


def kinds_of(kind: type[ActorQueuesError]) -> Iterator[type[ActorQueuesError]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds_of(below)
