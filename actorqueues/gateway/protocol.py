"""What goes over the socket of ``connect()``: JSON with tags, ``{"body": {"tag": …, "val": …}}``."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import cbor2
from rest_framework.exceptions import ParseError

from actorqueues.events.live import LiveEvent
from actorqueues.gateway.requests import EncodingRefused, parsed
from actorqueues.gateway.tags import BIG_INT, encode
from actorqueues.storage.events import PROGRESS
from actorqueues.web.errors import wire_error
from actorqueues.web.outputs import shallow


@dataclass(frozen=True, slots=True)
class ActionRequest:
    id: int
    name: str
    arguments: list[Any]


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    event: str
    subscribe: bool


def read_frame(text: str) -> ActionRequest | SubscriptionRequest:
    """Raises ``ParseError``."""
    match parsed(text, "The frame"):
        case {
            "body": {
                "tag": "ActionRequest",
                "val": {"id": int(id), "name": str(name), "args": list(arguments)},
            }
        }:
            return ActionRequest(id, name, arguments)
        case {
            "body": {
                "tag": "SubscriptionRequest",
                "val": {"eventName": str(name), "subscribe": bool(subscribe)},
            }
        }:
            return SubscriptionRequest(name, subscribe)
    raise ParseError("The frame is no ActionRequest and no SubscriptionRequest.")


def init_text(actor_id: str, connection_id: str) -> str:
    return written("Init", {"actorId": actor_id, "connectionId": connection_id})


def response_text(id: int, output: Any) -> str:
    return written("ActionResponse", {"id": big_int(id), "output": shallow(encode(output))})


def error_text(error: BaseException, action_id: int) -> str:
    return written("Error", {**encode(wire_error(error).payload), "actionId": big_int(action_id)})


def refusal_text(error: BaseException) -> str:
    """Of a connection. What may be possible again soon has the code with which the client tries again."""
    told = wire_error(error)
    if told.status == 503:
        told = replace(told, group="guard", code="service_unavailable")
    return written("Error", {**encode(told.payload), "actionId": None})


def event_text(event: LiveEvent) -> str:
    """One text for all sockets. An event has one argument, its data; progress also its message's id."""
    arguments = [json.loads(event.data)]
    if event.name == PROGRESS and event.message_uid is not None:
        arguments.append(event.message_uid.hex)
    return written("Event", {"name": event.name, "args": encode(arguments)})


def refusal_of_encoding(encoding: str) -> dict[str, Any]:
    """As ``text_data`` or ``bytes_data``: an error in the encoding itself, for its client to read."""
    told = wire_error(EncodingRefused(encoding))
    if encoding == "cbor":
        said = {**told.payload, "actionId": None}
        return {"bytes_data": cbor2.dumps({"body": {"tag": "Error", "val": said}})}
    if encoding == "bare":
        return {
            "bytes_data": BARE_ERROR
            + b"".join(map(bare_text, (told.group, told.code, told.message)))
            + NEITHER
        }
    return {"text_data": refusal_text(EncodingRefused(encoding))}


# Version 3 of the protocol, and the second of its kinds of message.
BARE_ERROR = b"\x03\x00\x01"
NEITHER = b"\x00\x00"  # no metadata, and of no action


def bare_text(text: str) -> bytes:
    content = text.encode()
    length, size = len(content), b""
    while length > 0x7F:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return size + bytes([length]) + content


def big_int(number: int) -> list[str]:
    return [BIG_INT, str(number)]


def written(tag: str, val: dict[str, Any]) -> str:
    return json.dumps({"body": {"tag": tag, "val": val}}, separators=(",", ":"), allow_nan=False)
