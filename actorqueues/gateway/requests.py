"""What Rivet's client sends with every request: a token, an encoding, parameters of its connection, a body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import ParseError

from actorqueues.gateway.tags import TagInvalid, decode
from actorqueues.web.bodies import RequestInvalid, RequestTooLarge, largest_body

EMPTY = (
    "The body is empty. Rivet's client sends it in chunks, without its length: that takes an ASGI server, "
    "and a proxy that passes it on."
)


CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class EncodingRefused(RequestInvalid):
    default_code = "encoding_not_supported"

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f'The encoding "{encoding[:20]}" is not spoken here: createClient({{..., encoding: "json"}}).'
        )


def pass_on_token(request: HttpRequest, token: str | None) -> None:
    """A token of Rivet's client becomes ``Authorization: Bearer …``, where there is no such header yet."""
    told = request.GET.get("rvt-token") or token
    found = request.META.get("HTTP_X_RIVET_TOKEN") or (told and in_header(told).decode("latin-1"))
    if found and "HTTP_AUTHORIZATION" not in request.META:
        request.META["HTTP_AUTHORIZATION"] = f"Bearer {found}"
        request.__dict__.pop("headers", None)  # made from META, and kept


def in_header(token: str) -> bytes:
    """A token of an address, as a header could bring it: no authentication is prepared for more."""
    return CONTROLS.sub("?", token).encode()


def refuse_encodings(request: Any) -> None:
    """Raises ``EncodingRefused`` for all but JSON."""
    encoding = request.headers.get("x-rivet-encoding", "json")
    if encoding != "json":
        raise EncodingRefused(encoding)


def connection_params(request: Any) -> Mapping[str, Any]:
    """Raises ``ParseError``, ``RequestInvalid``."""
    return params_of(request.headers.get("x-rivet-conn-params"))


def params_of(text: str | None) -> Mapping[str, Any]:
    if text is None:
        return {}
    params = loaded(text, "The connection's params")  # without tags: the client writes them as plain JSON
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise RequestInvalid("The connection's params are an object here.")
    return params


def read_object(request: Any) -> dict[str, Any]:
    """The body with its tags decoded. Raises ``ParseError``, ``RequestInvalid``, ``RequestTooLarge``."""
    content = read_body(request)
    if not content:
        raise RequestInvalid(EMPTY)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ParseError("The body is not JSON in UTF-8.") from None
    body = parsed(text, "The body")
    if not isinstance(body, dict):
        raise RequestInvalid("The body is a JSON object.")
    return body


def read_body(request: Any) -> bytes:
    # Not request.body: Django looks at Content-Length, and what comes in chunks has none.
    limit = largest_body()
    content: bytes = request.read(limit + 1)
    if len(content) > limit:
        raise RequestTooLarge(f"The request is larger than {limit} bytes.")
    return content


def parsed(text: str, what: str) -> Any:
    """JSON with its tags decoded. Raises ``ParseError``."""
    try:
        return decode(loaded(text, what))
    except TagInvalid as error:
        raise ParseError(f"{what}: {error}") from None
    except RecursionError:
        raise ParseError(f"{what} is nested too deep.") from None


def loaded(text: str, what: str) -> Any:
    """Raises ``ParseError``."""
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except ValueError as error:
        raise ParseError(f"{what} is not JSON: {error}") from None
    except RecursionError:
        raise ParseError(f"{what} is nested too deep.") from None


def refuse_constant(name: str) -> Any:
    raise ValueError(f"there is no {name}")
