"""Thousands of requests that wait for replies which nobody gives, on one web process."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from django.db import connection

from benchmarks import targets
from benchmarks.results import Result, percentile
from benchmarks.web.asking import Client, close, connect, until_so
from benchmarks.web.servers import Server, daphne, token_headers
from benchmarks.workloads.requests import queue_request

WAITERS = 2_000
OTHERS = 300  # requests that want something else
AT_ONCE = 100
NAME = "aq-benchmark-web"  # by which its connections are known
REST = 3.0  # seconds after which what a burst of sends needed is given back
PATIENCE = 120.0  # seconds


def waiters(scale: float) -> Iterator[Result]:
    count = max(50, int(WAITERS * scale))
    with daphne(PGAPPNAME=NAME) as server:
        headers = token_headers()
        asyncio.run(warm_up(server, headers))
        base = server.memory
        yield from asyncio.run(wait_and_hang_up(server, headers, count, base))


async def warm_up(server: Server, headers: str) -> None:
    """What the first requests import, connect and start is no waiter's."""
    crowd = await gather(server, headers, 50)
    close(crowd)
    await until_so(partial(waits_for, server, 0), PATIENCE)


async def wait_and_hang_up(server: Server, headers: str, count: int, base: int) -> Iterator[Result]:
    crowd = await gather(server, headers, count)
    await asyncio.sleep(REST)
    grown, threads = server.memory - base, server.process.num_threads()
    sessions = await asyncio.to_thread(connections)
    times = await ask_beside(server, headers)
    close(crowd)
    freed = await until_so(partial(waits_for, server, 0), PATIENCE)
    note = f"{count:,} requests wait"
    return iter([
        Result(targets.WAITER_MEMORY, grown / count / 1000, "kB", f"{note}; {grown / 1e6:.1f} MB above 50 before"),
        Result(targets.WAITER_THREADS, threads, "threads", note),
        *([] if sessions is None else [Result(targets.WAITER_CONNECTIONS, sessions, "connections", note)]),
        Result(targets.WAITER_OTHERS, percentile(times, 50) * 1000, "ms",
               f"{note}; {len(times)} requests, p99 {percentile(times, 99) * 1000:.1f} ms"),
        Result(targets.WAITER_FREED, freed * 1000, "ms", f"{count:,} hang up at once"),
    ])  # fmt: skip


async def gather(server: Server, headers: str, count: int) -> list[Client]:
    """So many clients that wait, each on a connection of its own."""
    crowd: list[Client] = []
    for start in range(0, count, AT_ONCE):
        some = [await connect(server) for _ in range(min(AT_ONCE, count - start))]
        for number, client in enumerate(some, start):
            client.tell(queue_request(server, f"w{number}", headers, timeout=3_600_000))
        crowd += some
        await until_so(partial(waits_for, server, len(crowd)), PATIENCE)
    return crowd


def waits_for(server: Server, count: int) -> bool:
    return server.waiting() == count


async def ask_beside(server: Server, headers: str) -> list[float]:
    """One after the other, as a person would: an actor's page."""
    client, times = await connect(server), []
    request = server.request("GET", "/actors/echo/w0/", headers=headers)
    for _ in range(OTHERS):
        began = time.perf_counter()
        await client.ask(request)
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.005)
    close([client])
    return times


def connections() -> int | None:
    """Of the web process to its database; None where nobody counts them."""
    if connection.vendor != "postgresql":
        return None
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [NAME])
        return int(cursor.fetchone()[0])
