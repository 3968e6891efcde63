"""What comes in: bounded before it is read, JSON only, and what is wrong with it in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from actorqueues.conf import settings
from actorqueues.definitions.queue import Queue

ESCAPED = 6  # bytes of \u00e9 for a character of one or more
ENVELOPE = 8192  # bytes beside the message's own body


class RequestInvalid(APIException):
    """The request is not what is expected here; the text says what is."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid"


class RequestTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class LengthRequired(APIException):
    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length: what has none (chunked) is not read here."


class BoundedJSONParser(JSONParser):
    """JSON that nests deeper than Python reads is a mistake of the client. It is UTF-8, whatever a charset says.

    (RFC 8259, 8.1. Python's codecs unpack archives too: some versions of DRF would do so here.)
    """

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RecursionError:
            raise ParseError("JSON parse error - it nests too deeply") from None


def largest_body() -> int:
    """Bytes of a request: room for the largest message with every character escaped."""
    needed = ESCAPED * settings.MAX_MESSAGE_BYTES + ENVELOPE
    limit: int | None = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return needed if limit is None else min(needed, limit)


def refuse_large(request: Request) -> None:
    """Before anything is parsed: authentication does that, to find a CSRF token in a form.

    Raises ``RequestTooLarge``, ``LengthRequired``.
    """
    if (
        not request.META.get("CONTENT_LENGTH")
        and "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    ):
        raise LengthRequired()
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise RequestInvalid("Content-Length is not a number.") from None
    if size > (limit := largest_body()):
        raise RequestTooLarge(f"The request has {size} bytes. The limit is {limit}.")


def parsed_data(request: Request) -> Any:
    """What DRF makes of the body. Raises what its parsers raise, whoever has read a form before they could.

    A middleware that asks for ``request.POST`` does (so does a session's CSRF check): DRF then takes what that
    found, or nothing, whatever media types are taken here.
    """
    negotiator: Any = request.negotiator
    has_body = request.META.get("CONTENT_LENGTH") not in (None, "", "0")
    if has_body and negotiator.select_parser(request, request.parsers) is None:
        raise UnsupportedMediaType(request.content_type)
    return request.data


def read_object(request: Request) -> Mapping[str, Any] | None:
    """The JSON object of a request; an empty one where it has no body, None where it is something else."""
    data = parsed_data(request)
    if data is None or (not data and not request.META.get("CONTENT_LENGTH")):
        return {}
    return data if isinstance(data, Mapping) else None


def message_body(queue: Queue[Any, Any], value: Any) -> Any:
    """What a client means by this JSON value: base64 is bytes, lists are tuples where the schema says so.

    Raises ``BodyInvalid``.
    """
    return value if queue.body is None else queue.load_body(json.dumps(value))
