"""What is asked of the service, and how its answers are read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

from actorqueues.client.options import LONGEST_KEY
from actorqueues.client.receipts import Receipt
from actorqueues.client.results import AnyResult, Completed, Failed, TimedOut
from actorqueues.definitions.keys import KeyPart, normalise_key
from actorqueues.definitions.segments import encode_segment
from actorqueues.durations import Duration, seconds
from actorqueues.exceptions import Forbidden, MessageFailed, OperationRefused, ReplyTimedOut
from actorqueues.remote.exchange import Course, Exchange, ask

T = TypeVar("T")

WAIT_TIMEOUT = 60.0  # seconds, as at the service's end by default
FIRST_PAUSE, PAUSE_FACTOR, LONGEST_PAUSE = 0.1, 1.5, 2.0  # seconds between two looks for an outcome
OPTIONS = frozenset({"delay", "dedupe", "idempotency_key"})


@dataclass(frozen=True, slots=True)
class Address:
    """``answer_in``: seconds that its service may take for an answer, beyond what is waited for on purpose."""

    type_name: str
    key: tuple[str, ...]
    answer_in: float

    @classmethod
    def of(cls, type_name: str, key: KeyPart | Sequence[KeyPart], answer_in: float) -> Address:
        """A list is as good as a tuple: so JSON and the browser client write keys. Raises ``KeyInvalid``."""
        parts: Any = tuple(key) if isinstance(key, list) else key
        return cls(type_name, normalise_key(parts), answer_in)

    @property
    def wire(self) -> dict[str, Any]:
        """As the WebSocket's frames have it."""
        return {"actor": self.type_name, "key": list(self.key)}

    @property
    def path(self) -> str:
        return f"{segment(self.type_name)}{encode_segment(self.key)}/"

    def below(self, *parts: str) -> str:
        return self.path + "".join(map(segment, parts))

    def ask(self, exchange: Exchange[T]) -> Course[T]:
        return ask(exchange, self.answer_in)


def segment(name: str) -> str:
    """Ids come from anywhere, and must lead nowhere else: ``..`` is resolved on the way, ``%2F`` by servers."""
    if not name.strip(".") or "/" in name:
        raise ValueError(f"{name!r} is no name.")
    return quote(name, safe="") + "/"


def send(
    address: Address, queue: str, body: Any, wait: bool, timeout: Duration | None, **options: Any
) -> Course[Any]:
    if unknown := options.keys() - OPTIONS:
        raise TypeError(
            f"send() has no option {', '.join(sorted(unknown))}. There are: {', '.join(sorted(OPTIONS))}."
        )
    envelope: dict[str, Any] = {"body": body}
    takes = 0.0
    if wait:
        takes = patience(timeout)
        envelope |= {"wait": True, "timeout": takes * 1000}
    elif timeout is not None:
        raise TypeError("timeout= is for wait=True.")
    if options.get("delay") is not None:
        envelope["delay"] = seconds(options["delay"], "delay") * 1000
    if options.get("dedupe") is not None:
        envelope["dedupe"] = options["dedupe"]
    headers = {"Idempotency-Key": key_of(options.get("idempotency_key"))}
    read = result_of if wait else receipt_of
    return address.ask(Exchange("POST", address.below("queue", queue), read, envelope, headers, takes=takes))


def key_of(given: str | None) -> str:
    """Raises ``ValueError`` for what no header brings as it is: tries would not change that."""
    if given is None:
        return uuid4().hex
    if not (
        given.isascii() and given.isprintable() and given == given.strip() and 0 < len(given) <= LONGEST_KEY
    ):
        raise ValueError(
            f"idempotency_key= is ASCII text of 1 to {LONGEST_KEY} characters without a space around it: "
            f"it travels as a header, and {given[:20]!r} cannot."
        )
    return given


def look(address: Address, message: str | Receipt) -> Course[AnyResult]:
    return address.ask(Exchange("GET", address.below("messages", id_of(message)), result_of))


def wait_for(address: Address, message: str | Receipt, timeout: Duration | None) -> Course[AnyResult]:
    """Looks more and more seldom."""
    until, pause = time.monotonic() + patience(timeout), FIRST_PAUSE
    while True:
        result = yield from look(address, message)
        left = until - time.monotonic()
        if not isinstance(result, TimedOut) or left <= 0:
            return result
        yield min(pause, left)
        pause = min(pause * PAUSE_FACTOR, LONGEST_PAUSE)


def cancel(address: Address, message: str | Receipt) -> Course[bool]:
    path = address.below("messages", id_of(message))
    try:
        # Not repeatable: after a lost answer the message would be unknown.
        yield from address.ask(Exchange("DELETE", path, lambda said: said, repeatable=False))
    except OperationRefused:
        return False
    return True


def call(address: Address, action: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Course[Any]:
    said = {"args": list(args), "kwargs": kwargs}
    # An action may send: done twice, it would send twice.
    return address.ask(Exchange("POST", address.below("actions", action), output_of, said, repeatable=False))


def state(address: Address) -> Course[Any]:
    return address.ask(Exchange("GET", address.path, state_of))


def create(address: Address, input: Any) -> Course[None]:
    said = {} if input is None else {"input": input}
    return address.ask(Exchange("POST", address.path, lambda _: None, said, repeatable=False))


def destroy(address: Address) -> Course[None]:
    return address.ask(Exchange("DELETE", address.path, lambda _: None, repeatable=False))


# Answers


def id_of(message: str | Receipt) -> str:
    return message.id if isinstance(message, Receipt) else message


def receipt_of(said: dict[str, Any]) -> Receipt:
    return Receipt(said["id"], None)


def result_of(said: dict[str, Any]) -> AnyResult:
    if said["status"] == "completed":
        return Completed(said["id"], said.get("response"))
    if said["status"] == "failed":
        return Failed(said["id"], said.get("error") or "failed")
    return TimedOut(said["id"], said.get("error"))


def state_of(said: dict[str, Any]) -> Any:
    if "state" not in said:
        raise Forbidden("The service does not show this actor's state.")
    return said["state"]


def output_of(said: Any) -> Any:
    return said["output"]


def reply_of(result: AnyResult, timeout: Duration | None) -> Any:
    if isinstance(result, Completed):
        return result.response
    if isinstance(result, TimedOut):
        raise ReplyTimedOut(message_id=result.id, timeout=f"{patience(timeout):g}", error=result.error)
    raise MessageFailed(message_id=result.id, error=result.error)


def patience(timeout: Duration | None) -> float:
    return WAIT_TIMEOUT if timeout is None else seconds(timeout, "timeout")
