"""From ``broadcast(live=True)`` in a worker to a thousand WebSockets on one web process."""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence

from benchmarks import targets
from benchmarks.processes import worker
from benchmarks.results import Result, percentile
from benchmarks.web.servers import Server, daphne, session_headers
from benchmarks.web.sockets import Socket, open_socket

SOCKETS = 1_000
FIRST = 20  # sockets before those that are measured: what the first import and start is no other's
TO_ONE, TO_ALL = 500, 30
PAUSE = 0.03  # seconds between two events to one
REST = 0.5  # seconds between two to all
PATIENCE = 60.0  # seconds


def sockets(scale: float) -> Iterator[Result]:
    count = max(50, int(SOCKETS * scale))
    with daphne() as server:
        bare = asyncio.run(open_bare(server, count))
    with worker("--sleep-after", "600"), daphne() as server:
        yield from asyncio.run(listen(server, count, scale, bare))


class Audience:
    """What came to whom, and how long after it was said. All clocks of a machine are one."""

    def __init__(self) -> None:
        self.subscribed = 0
        self.heard: list[float] = []
        self.changed = asyncio.Event()

    def receive(self, number: int, payload: bytes) -> None:
        now = time.monotonic()
        if b'"type":"event"' in payload:
            self.heard.append(now - json.loads(payload)["data"]["at"])
        elif b'"type":"subscribed"' in payload:
            self.subscribed += 1
        self.changed.set()

    async def until_heard(self, count: int) -> list[float]:
        await self.until(lambda: len(self.heard) >= count)
        heard, self.heard = self.heard, []
        return heard

    async def until(self, so: object) -> None:
        async with asyncio.timeout(PATIENCE):
            while not so():  # type: ignore[operator]
                self.changed.clear()
                await self.changed.wait()


async def open_bare(server: Server, count: int) -> float:
    """Bytes that a socket of a consumer that does nothing takes."""
    audience, headers = Audience(), session_headers_here(await asyncio.to_thread(session_headers))
    first = [await open_socket(server, n, audience.receive, headers, "/ws/bare/") for n in range(FIRST)]
    base = server.memory
    crowd = [await open_socket(server, n, audience.receive, headers, "/ws/bare/") for n in range(count)]
    await asyncio.sleep(1)
    if any(socket.lost for socket in first + crowd):
        raise RuntimeError("the server closed a WebSocket")
    return (server.memory - base) / count


async def listen(server: Server, count: int, scale: float, bare: float) -> Sequence[Result]:
    from benchmarks.actors import Herald

    audience, headers = Audience(), session_headers_here(await asyncio.to_thread(session_headers))
    first = [await join(server, audience, headers, f"x{number}", number) for number in range(FIRST)]
    await audience.until(lambda: audience.subscribed == 2 * FIRST)
    await asyncio.to_thread(tell, Herald, "all")
    await audience.until_heard(FIRST)
    base = server.memory
    crowd = [await join(server, audience, headers, f"s{number}", number) for number in range(count)]
    await audience.until(lambda: audience.subscribed == 2 * (count + FIRST))
    await asyncio.sleep(1)
    grown = server.memory - base
    to_one = [await one(audience, Herald, number, count) for number in range(max(20, int(TO_ONE * scale)))]
    rounds = [await everybody(audience, Herald, count + FIRST) for _ in range(max(3, int(TO_ALL * scale)))]
    if any(socket.lost for socket in first + crowd):
        raise RuntimeError("the server closed a WebSocket")
    return told(count, (grown / count, bare), to_one, rounds)


def session_headers_here(headers: str) -> str:
    return headers.split("X-CSRFToken")[0]


async def join(server: Server, audience: Audience, headers: str, key: str, number: int) -> Socket:
    """Each listens to an actor of its own, and to one of all."""
    socket = await open_socket(server, number, audience.receive, headers)
    for id_, name in enumerate((key, "all")):
        socket.put(type="subscribe", id=id_, actor="herald", key=[name])
    return socket


def tell(herald: object, key: str) -> None:
    herald.get_or_create(key).send("tell")  # type: ignore[attr-defined]


async def one(audience: Audience, herald: object, number: int, count: int) -> float:
    await asyncio.sleep(PAUSE)
    await asyncio.to_thread(tell, herald, f"s{random.randrange(count)}")
    return (await audience.until_heard(1))[0]


async def everybody(audience: Audience, herald: object, count: int) -> float:
    await asyncio.sleep(REST)
    await asyncio.to_thread(tell, herald, "all")
    return max(await audience.until_heard(count))


def told(
    count: int, each: tuple[float, float], to_one: Sequence[float], rounds: Sequence[float]
) -> Sequence[Result]:
    note = f"{count:,} sockets; {len(to_one)} events, each to one of them"
    spread = (
        f"{count:,} sockets; median of {len(rounds)}; {min(rounds) * 1000:.0f} to {max(rounds) * 1000:.0f} ms"
    )
    memory, bare = (size / 1000 for size in each)
    return [
        Result(targets.EVENT_P50, percentile(to_one, 50) * 1000, "ms", note),
        Result(targets.EVENT_P99, percentile(to_one, 99) * 1000, "ms", note),
        Result(targets.EVENT_ALL, percentile(rounds, 50) * 1000, "ms", spread),
        Result(
            targets.SOCKET_MEMORY,
            memory,
            "kB",
            f"two subscriptions each; of an empty consumer that asks for no user: {bare:.1f} kB",
        ),
    ]
