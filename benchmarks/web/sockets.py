"""Many WebSockets to one server on an event loop, by hand for the same reason as ``asking``."""

import asyncio
import json
import os
import struct
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from benchmarks.web.servers import HOST, Server

MASK = b"\0\0\0\0"  # that leaves everything as it is
TEXT, PING, PONG = 0x1, 0x9, 0xA
Receive = Callable[[int, bytes], None]


class Socket(asyncio.Protocol):
    """Calls ``receive(number, payload)`` for each text frame."""

    def __init__(self, number: int, receive: Receive) -> None:
        self.number, self.receive = number, receive
        self.received = bytearray()
        self.opened = asyncio.get_running_loop().create_future()
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.opened.done():
            head, ended, _ = self.received.partition(b"\r\n\r\n")
            if not ended:
                return
            del self.received[: len(head) + 4]
            self.opened.set_result(bytes(head))
        while (frame := self.next_frame()) is not None:
            self.take(*frame)

    def next_frame(self) -> tuple[int, bytes] | None:
        data = self.received
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if size == 126:
            if len(data) < 4:
                return None
            size, start = struct.unpack(">H", data[2:4])[0], 4
        if len(data) < start + size:
            return None
        frame = data[0] & 0xF, bytes(data[start : start + size])
        del data[: start + size]
        return frame

    def take(self, kind: int, payload: bytes) -> None:
        if kind == PING:
            self.transport.write(framed(PONG, payload))
        elif kind == TEXT and b'"type":"ping"' in payload:
            self.put(type="pong", ping=json.loads(payload)["ping"])
        elif kind == TEXT:
            self.receive(self.number, payload)

    def put(self, **values: Any) -> None:
        self.transport.write(framed(TEXT, json.dumps(values).encode()))


def framed(kind: int, payload: bytes) -> bytes:
    size = len(payload)
    head = (
        bytes([0x80 | kind, 0x80 | size])
        if size < 126
        else bytes([0x80 | kind, 0xFE]) + struct.pack(">H", size)
    )
    return head + MASK + payload


async def open_socket(
    server: Server, number: int, receive: Receive, headers: str, path: str = "/ws/actors/"
) -> Socket:
    """Raises ``RuntimeError`` when the server refuses it."""
    loop = asyncio.get_running_loop()
    socket = (await loop.create_connection(lambda: Socket(number, receive), HOST, server.port))[1]
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}\r\nOrigin: http://{HOST}:{server.port}\r\n"
    )
    socket.transport.write(server.request("GET", path, headers=upgrade + headers))
    head = await asyncio.wait_for(socket.opened, 60)
    if not head.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"the server refused a WebSocket: {head.decode(errors='replace')}")
    return socket
