"""On whose behalf a message is sent."""

from __future__ import annotations

from typing import Any, Protocol, cast

from actorqueues.definitions.context import current_delivery, current_user
from actorqueues.definitions.marks import UNSET


class HasUser(Protocol):
    """A request, or who stands behind a socket."""

    user: Any


class ActingFor:
    """``with ActingFor(request):`` what is sent, cancelled or destroyed inside is this request's user's.

    Called it tells that user's id. It is asked only when a message is sent: asking costs queries and makes the response
    vary by cookie, and most requests send nothing. One object, for thousands of requests may wait inside.
    """

    __slots__ = ("_request", "_token")

    def __init__(self, request: HasUser) -> None:
        self._request = request

    def __enter__(self) -> None:
        self._token = current_user.set(cast(Any, self))

    def __exit__(self, *error: object) -> None:
        current_user.reset(self._token)

    def __call__(self) -> str | None:
        user = getattr(self._request, "user", None)
        pk = getattr(user, "pk", None)
        return None if pk is None else str(pk)


def user_of_message(given: Any) -> str | None:
    """The user id that travels with a message: as given, or of the message in hand, or of the request.

    ``given`` is a user, its primary key, or None for nobody.
    """
    return current_user_id() if given is UNSET else user_id_of(given)


def current_user_id() -> str | None:
    """Of the message in hand, or of the request."""
    delivery = current_delivery.get()
    if delivery is not None:
        return delivery.user_id
    current: Any = current_user.get()
    return cast(str | None, current() if callable(current) else current)


def user_id_of(user: Any) -> str | None:
    """The primary key as text; None for nobody and for anonymous users."""
    if user is None:
        return None
    if hasattr(type(user), "is_anonymous") or hasattr(user, "pk"):
        return None if getattr(user, "pk", None) is None else str(user.pk)
    if isinstance(user, bool | float) or "\0" in (text := str(user)):
        raise TypeError(f"user= is a user, its primary key or None, not {user!r}.")
    return text
