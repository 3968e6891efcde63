"""Listening over WebSockets: one socket after another, as long as there is something to hear."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from websockets.asyncio.client import connect as aconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from actorqueues.remote.errors import RemoteError, Unreachable
from actorqueues.remote.topics import Topic

T = TypeVar("T")

SUBPROTOCOL = Subprotocol("actorqueues.v1")
HEARTBEAT = 25.0  # seconds; the service says
SILENCE = 2.5  # heartbeats without a word from the service, then the connection is taken for dead
FIRST_PAUSE, LONGEST_PAUSE = (
    1.0,
    15.0,
)  # seconds at most before the first attempt to connect again, and the later
STEADY = 5.0  # seconds that a connection lasts before the pauses begin anew
FAREWELL = 1.0  # seconds for a socket to be closed in an orderly manner
SESSION_ENDED = 4401
REFUSING_CODES = frozenset({1009, 4400, 4413})  # of a frame: it would be refused again
LOSSES = (OSError, WebSocketException)  # TimeoutError and Lost are OSErrors


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where sockets are opened, and how. ``options`` go to ``websockets.connect``."""

    url: str
    headers: Mapping[str, str]
    answer_in: float
    options: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self, within: float) -> dict[str, Any]:
        return {
            "uri": self.url,
            "additional_headers": dict(self.headers),
            "origin": origin_of(self.url),
            "subprotocols": [SUBPROTOCOL],
            "open_timeout": within,
            "close_timeout": FAREWELL,
            "max_size": None,  # the service's events are as large as it makes them
            **self.options,
        }


def origin_of(url: str) -> Origin:
    """Django's validators of origins refuse clients without one."""
    parts = urlsplit(url)
    return Origin(f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc.rpartition('@')[2]}")


class Conversation(Generic[T]):
    """What is said on the sockets of one topic, whoever carries it. ``lasts``: seconds that somebody listens."""

    def __init__(self, topic: Topic[T], answer_in: float, lasts: float) -> None:
        self.topic, self.answer_in = topic, answer_in
        self.opened_at = time.monotonic()
        self.begun_by, self.until = self.opened_at + answer_in, self.opened_at + lasts
        self.silence = HEARTBEAT * SILENCE
        self.failures = 0

    @property
    def is_over(self) -> bool:
        return self.topic.is_over or time.monotonic() >= self.until

    @property
    def opens_within(self) -> float:
        return self.limited(self.answer_in)

    @property
    def patience(self) -> float:
        """Seconds until the next frame has to be there."""
        return self.limited(self.silence)

    def limited(self, seconds: float) -> float:
        ends = self.until if self.topic.has_begun else min(self.until, self.begun_by)
        return max(min(ends - time.monotonic(), seconds), 0.001)

    def take(self, text: str | bytes) -> tuple[str | None, Iterator[T]]:
        """What is to be answered, and what is to be heard."""
        frame = frame_of(text)
        if frame["type"] == "hello":
            self.opened_at = time.monotonic()
            self.silence = frame["heartbeat"] / 1000 * SILENCE
            return json.dumps(self.topic.greeting()), iter(())
        if frame["type"] == "ping":
            return json.dumps({"type": "pong", "ping": frame["ping"]}), iter(())
        return None, self.topic.take(frame)

    def lost(self, error: Exception) -> float:
        """Seconds until the next attempt. Raises what no attempt would change, and ``Unreachable``."""
        if self.is_over:
            return 0.0
        refuse_again(error)
        if not self.topic.has_begun and time.monotonic() >= self.begun_by:
            raise Unreachable(problem=str(error) or type(error).__name__) from error
        self.failures = 0 if time.monotonic() - self.opened_at > STEADY else self.failures
        # Full jitter: not all that listen come back at the same moment.
        pause = min(FIRST_PAUSE * 2.0**self.failures, LONGEST_PAUSE) * random.random()
        self.failures += 1
        return self.limited(pause)


def frame_of(text: str | bytes) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except ValueError:
        frame = None
    if not isinstance(frame, dict) or "type" not in frame:
        raise RemoteError(answer="with something that is no frame of its protocol")
    return frame


def refuse_again(error: Exception) -> None:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status < 500 and status != 429:
            raise RemoteError(answer=f"with status {status}", status=status) from error
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        code, reason = error.rcvd.code, error.rcvd.reason
        if code == SESSION_ENDED:
            raise RemoteError("The session has ended.", wire_code="auth.session_ended") from error
        if code in REFUSING_CODES:
            raise RemoteError(answer=f"with close code {code}: {reason}") from error


def listen(endpoint: Endpoint, topic: Topic[T], lasts: float) -> Iterator[T]:
    talk = Conversation(topic, endpoint.answer_in, lasts)
    while not talk.is_over:
        try:
            with connect(**endpoint.arguments(talk.opens_within)) as socket:
                while not talk.is_over:
                    answer, heard = talk.take(socket.recv(talk.patience))
                    if answer is not None:
                        socket.send(answer)
                    yield from heard
        except LOSSES as error:
            time.sleep(talk.lost(error))


async def alisten(endpoint: Endpoint, topic: Topic[T], lasts: float) -> AsyncIterator[T]:
    talk = Conversation(topic, endpoint.answer_in, lasts)
    while not talk.is_over:
        try:
            async with aconnect(**endpoint.arguments(talk.opens_within)) as socket:
                while not talk.is_over:
                    async with asyncio.timeout(talk.patience):
                        text = await socket.recv()
                    answer, heard = talk.take(text)
                    if answer is not None:
                        await socket.send(answer)
                    for one in heard:
                        yield one
        except LOSSES as error:
            await asyncio.sleep(talk.lost(error))
