"""Who opens a socket with Rivet's client, to which actor, and what was offered along with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from django.http import QueryDict

from actorqueues.access import Access
from actorqueues.client.targets import Target
from actorqueues.gateway.addresses import addressed
from actorqueues.gateway.presence import get_or_create_row
from actorqueues.gateway.requests import in_header, params_of
from actorqueues.models import ActorInstance
from actorqueues.web.callers import Caller

SUBPROTOCOL = "rivet"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the client's subprotocols say."""

    speaks: bool
    encoding: str
    params: str | None
    token: str | None

    @classmethod
    def of(cls, scope: Any) -> Offer:
        # Not the scope's own list: daphne splits what it has already unquoted.
        headers = [value for name, value in scope.get("headers") or [] if name == b"sec-websocket-protocol"]
        offered = [one.strip() for header in headers for one in header.decode("latin-1").split(",")]

        def behind(prefix: str) -> str | None:
            found = [one.removeprefix(prefix) for one in offered if one.startswith(prefix)]
            return unquote(found[0]) if found else None

        return cls(
            SUBPROTOCOL in offered,
            behind("rivet_encoding.") or "json",
            behind("rivet_conn_params."),
            behind("rivet_token."),
        )


class GatewayCaller(Caller):
    """Whose hooks see what the client was given as ``params``."""

    params: Mapping[str, Any] = {}

    def access(self, key: tuple[str, ...]) -> Access:
        return replace(super().access(key), params=self.params)


class Arrival:
    """A socket before it is let in."""

    def __init__(self, scope: Any) -> None:
        self.offer = Offer.of(scope)
        self.query = QueryDict(scope.get("query_string", b""))
        self.route: Mapping[str, Any] = scope["url_route"]["kwargs"]
        self.caller = GatewayCaller(with_token(scope, self.token), "gateway")

    @property
    def token(self) -> str | None:
        return self.query.get("rvt-token") or self.route.get("token") or self.offer.token

    def let_in(self) -> tuple[Target, ActorInstance]:
        """The actor; with ``getOrCreate`` it is made. Queries. Raises what access, DRF and addresses raise."""
        self.caller.params = params_of(self.offer.params)
        target = addressed(self.route["actor"], self.query)

        def admit(target: Target, deed: Any) -> Access:
            return self.caller.admit(target.actor_class, target.parts, deed)

        return target, get_or_create_row(target, admit)[0]


def with_token(scope: Any, token: str | None) -> Any:
    """A token of Rivet's client as ``Authorization: Bearer …``, where there is no such header yet."""
    headers = scope.get("headers") or []
    if not token or any(name == b"authorization" for name, _ in headers):
        return scope
    return {**scope, "headers": [*headers, (b"authorization", b"Bearer " + in_header(token))]}
