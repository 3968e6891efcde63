from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.http import HttpRequest


class LazyHeaders(Mapping[str, str]):
    """A request's headers, in whatever case they are asked for; made when a hook asks, as few do."""

    __slots__ = ("_request",)

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __getitem__(self, name: str) -> str:
        return self._request.headers[name]

    def __iter__(self) -> Iterator[str]:
        return (name.lower() for name in self._request.headers)

    def __len__(self) -> int:
        return len(self._request.headers)
