"""Many clients of one HTTP server on an event loop.

By hand, because they share two cores with what they measure: a library's client costs as much as the answer.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.web.servers import HOST, Server

PATIENCE = 60.0  # seconds for an answer


class Client(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.answered: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.answered is not None and is_whole(self.received):
            answer, self.received = bytes(self.received), bytearray()
            if not self.answered.done():
                self.answered.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(ConnectionResetError("the server closed the connection"))

    def tell(self, request: bytes) -> None:
        """Without waiting for the answer."""
        self.transport.write(request)

    async def ask(self, request: bytes) -> bytes:
        """The whole answer. Raises ``RuntimeError`` for one that is no success."""
        self.answered = asyncio.get_running_loop().create_future()
        self.tell(request)
        answer = await asyncio.wait_for(self.answered, PATIENCE)
        if not answer.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"the server answered: {answer[:1000].decode(errors='replace')}")
        return answer


def is_whole(answer: bytearray) -> bool:
    head, ended, body = answer.partition(b"\r\n\r\n")
    if not ended:
        return False
    head = head.lower()
    if (at := head.find(b"content-length:")) >= 0:
        return len(body) >= int(head[at + 15 :].split(b"\r\n", 1)[0])
    return body.endswith(b"0\r\n\r\n")  # chunked


async def connect(server: Server) -> Client:
    return (await asyncio.get_running_loop().create_connection(Client, HOST, server.port))[1]


async def keep_asking(server: Server, requests: Sequence[bytes], seconds: float) -> list[float]:
    """A client for each request, which repeats it: how long each of the answers took."""
    clients = [await connect(server) for _ in requests]
    until, times = time.perf_counter() + seconds, []

    async def one(client: Client, request: bytes) -> None:
        while (began := time.perf_counter()) < until:
            await client.ask(request)
            times.append(time.perf_counter() - began)

    try:
        await asyncio.gather(*map(one, clients, requests))
    finally:
        close(clients)
    return times


def close(clients: Sequence[Client]) -> None:
    for client in clients:
        client.transport.abort()


async def until_so(so: Callable[[], bool], seconds: float, pause: float = 0.01) -> float:
    """How long it took. Raises ``RuntimeError`` if it never is."""
    began = time.perf_counter()
    while not await asyncio.to_thread(so):
        if time.perf_counter() - began > seconds:
            raise RuntimeError(f"nothing came of it in {seconds:.0f} s")
        await asyncio.sleep(pause)
    return time.perf_counter() - began
