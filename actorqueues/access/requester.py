from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Transport = Literal["http", "websocket", "gateway"]


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks for what, over which transport: what an actor's hooks ``can_…`` get."""

    user: Any
    """``request.user``: perhaps ``AnonymousUser``, or None where the project has no authentication."""
    key: tuple[str, ...] = ()
    transport: Transport = "http"
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Of the query string; on a gateway the connection's own parameters."""

    @property
    def user_id(self) -> str | None:
        """As text, to be compared with parts of a key: None for nobody and for anonymous users."""
        pk = getattr(self.user, "pk", None)
        return None if pk is None else str(pk)

    @property
    def is_staff(self) -> bool:
        user = self.user
        return bool(getattr(user, "is_active", False) and getattr(user, "is_staff", False))
