"""A site, seen without a browser: HTTP from the standard library, the WebSocket client that daphne brings along."""

import asyncio
import itertools
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

from demo_project.checking.report import PATIENCE, Failed

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
LINKED = re.compile(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"')
BOUNDARY = "a-line-that-is-in-no-file"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Site:
    """Keeps its cookies, and the token of the last page that had one."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.token = ""

    async def get(self, path: str) -> Answer:
        answer = await self.ask(urllib.request.Request(urljoin(self.address, path)))
        if found := TOKEN.search(answer.text):
            self.token = found[1]
        return answer

    async def post(self, path: str, **fields: str) -> Answer:
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": self.token, **fields}).encode()
        return await self.ask(urllib.request.Request(urljoin(self.address, path), data=form))

    async def upload(self, path: str, file: str, token: str | None = None) -> Answer:
        parts = (
            ('name="csrfmiddlewaretoken"', self.token if token is None else token),
            ('name="file"; filename="products.csv"', file),
        )
        lines = [
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n"
            for head, text in parts
        ]
        data = "".join([*lines, f"--{BOUNDARY}--\r\n"]).encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return await self.ask(urllib.request.Request(urljoin(self.address, path), data=data, headers=kind))

    async def ask(self, request: urllib.request.Request) -> Answer:
        return await asyncio.to_thread(self.ask_now, request)

    def ask_now(self, request: urllib.request.Request) -> Answer:
        try:
            with self.opener.open(request, timeout=PATIENCE) as response:
                return Answer(response.status, response.headers, response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode())


class Protocol(WebSocketClientProtocol):  # type: ignore[misc]
    def onOpen(self) -> None:
        self.factory.frames.put_nowait({"type": "open"})

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.frames.put_nowait(json.loads(payload))

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        self.factory.frames.put_nowait({"type": "closed", "code": code})


class Socket:
    """``async with Socket(address) as socket``: what a page's client says and hears."""

    def __init__(self, address: str) -> None:
        self.parts = urlsplit(address)
        self.ids = itertools.count(1)
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.kept: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        host, port = self.parts.hostname, self.parts.port
        factory = WebSocketClientFactory(
            f"ws://{self.parts.netloc}/ws/actors/",
            origin=f"http://{self.parts.netloc}",
            protocols=["actorqueues.v1"],
        )
        factory.protocol, factory.frames = Protocol, self.frames
        _, self.protocol = await asyncio.get_running_loop().create_connection(factory, host, port)
        await self.next(lambda frame: frame["type"] == "hello")
        return self

    async def __aexit__(self, *details: object) -> None:
        self.protocol.sendClose()

    def send(self, **frame: Any) -> None:
        self.protocol.sendMessage(json.dumps(frame).encode())

    async def request(self, **frame: Any) -> dict[str, Any]:
        """The answer. Raises ``Failed`` where that is an error."""
        number = next(self.ids)
        self.send(id=number, **frame)
        answer = await self.next(lambda one: one.get("id") == number)
        if answer["type"] == "error":
            raise Failed(f"{frame}: {answer['error']}")
        return answer

    async def next(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first frame that fits, of those that came and those that come. The others stay."""
        for place, frame in enumerate(self.kept):
            if fits(frame):
                return self.kept.pop(place)
        while not fits(frame := await self.receive()):
            self.kept.append(frame)
        return frame

    async def receive(self) -> dict[str, Any]:
        try:
            frame = await asyncio.wait_for(self.frames.get(), PATIENCE)
        except TimeoutError:
            raise Failed(f"the WebSocket has been silent for {PATIENCE:g} seconds") from None
        if frame["type"] == "closed":
            raise Failed(f"the WebSocket was closed: {frame['code']}")
        if frame["type"] == "ping":
            self.send(type="pong", ping=frame["ping"])
        return frame
