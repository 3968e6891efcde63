"""The actors of a service, by the names of their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from actorqueues.definitions.keys import KeyPart
from actorqueues.durations import Duration, seconds
from actorqueues.remote.handle import RemoteHandle
from actorqueues.remote.listening import Endpoint
from actorqueues.remote.requests import Address
from actorqueues.remote.transport import Transport

TIMEOUT = 10.0  # seconds for an answer, beyond what is waited for on purpose


class Client:
    """The actors of another service: ``Client(url).counter.get_or_create("main").send("increment", {"amount": 5})``.

    ``url``: where the service has mounted its API. ``token`` is short for the header ``Authorization: Bearer …``.
    ``timeout``: how long an answer may take with all its tries, beyond what is waited for on purpose; 10 seconds.
    ``auth``, ``verify``, ``proxy``, … go to httpx. ``socket_url``: the WebSocket that events are heard on; without it
    ``/ws/actors/`` of the same host. It is given the headers, and ``socket_options`` (``ssl``, ``proxy``, …) are what
    ``websockets.connect`` takes.

    May be shared by threads; its ``a`` twins belong to one event loop. Close it with ``close()`` or ``aclose()``, or
    use it in ``with`` or ``async with``.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Duration = TIMEOUT,
        socket_url: str | None = None,
        socket_options: Mapping[str, Any] | None = None,
        **httpx_options: Any,
    ) -> None:
        self.url = url.rstrip("/") + "/"
        said = dict(headers or {})
        if token is not None:
            said["Authorization"] = f"Bearer {token}"
        self._answer_in = seconds(timeout, "timeout")
        self._endpoint = Endpoint(
            socket_url or socket_url_of(url), said, self._answer_in, socket_options or {}
        )
        accepting = {"Accept": "application/json", **said}
        self._transport = Transport({"base_url": self.url, "headers": accepting, **httpx_options})

    def actor(self, type_name: str, key: KeyPart | Sequence[KeyPart]) -> RemoteHandle:
        """A handle to the actor of this type and key. Nothing is asked yet. Raises ``KeyInvalid``.

        For types whose name is one of the client's own: ``url``, ``actor``, ``close``, ``aclose``.
        """
        return RemoteHandle(self._transport, self._endpoint, Address.of(type_name, key, self._answer_in))

    def __getattr__(self, type_name: str) -> RemoteType:
        if type_name.startswith("_"):
            raise AttributeError(type_name)
        return RemoteType(self, type_name)

    def close(self) -> None:
        self._transport.close()

    async def aclose(self) -> None:
        await self._transport.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class RemoteType:
    """The actors of one type."""

    def __init__(self, client: Client, type_name: str) -> None:
        self._client, self._type_name = client, type_name

    def get_or_create(self, key: KeyPart | Sequence[KeyPart]) -> RemoteHandle:
        """A handle; the actor comes into being with its first message, where the service allows that.

        ``key``: a part, or a list or tuple of parts. Raises ``KeyInvalid``.
        """
        return self._client.actor(self._type_name, key)


def socket_url_of(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, "/ws/actors/", "", ""))
