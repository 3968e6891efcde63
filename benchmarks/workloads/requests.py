"""``POST …/queue/…/`` with wait, to a view of the same deployment that inserts one row."""

import asyncio
import json
import statistics
from collections.abc import Callable, Iterator

from benchmarks import targets
from benchmarks.baseline import insert_bare
from benchmarks.processes import worker
from benchmarks.results import Result, percentile
from benchmarks.web.asking import keep_asking
from benchmarks.web.servers import Server, daphne, session_headers, token_headers, wsgi

CLIENTS = 50
TURNS = 11
SECONDS = 2.0  # of each side's turn; at a small scale SHORT
SHORT = 0.3
TEXT = "a message of a hundred bytes or so, as most of them are: an id, a name, an amount"


def requests(scale: float) -> Iterator[Result]:
    insert_bare(1, 1.0)  # makes the table
    with worker():
        for name, serve, headers in (
            (targets.REQUEST_TOKEN, daphne, token_headers()),
            (targets.REQUEST_SESSION, daphne, session_headers()),
            (targets.REQUEST_WSGI, wsgi, token_headers()),
        ):
            with serve() as server:
                yield in_turns(name, server, headers, scale)
        with daphne(AQ_BENCHMARK_MIDDLEWARE="none") as server:
            yield from alone(server, token_headers(), scale)


def in_turns(name: str, server: Server, headers: str, scale: float) -> Result:
    send, insert = sends(server, headers), inserts(server, headers)
    seconds = SECONDS if scale > 0.1 else SHORT
    rates: dict[str, list[float]] = {"send": [], "insert": []}
    for side in (send, insert):
        rate_of(server, side, seconds)  # the first requests import and connect
    for _ in range(max(3, int(TURNS * scale))):
        rates["send"].append(rate_of(server, send, seconds))
        rates["insert"].append(rate_of(server, insert, seconds))
    ratios = [sent / inserted for sent, inserted in zip(rates["send"], rates["insert"], strict=True)]
    medians = [statistics.median(rates[side]) for side in ("send", "insert")]
    spread = f"median of {len(ratios)} turns; {min(ratios):.2f} to {max(ratios):.2f}"
    note = f"{spread}; {medians[0]:,.0f}/s to {medians[1]:,.0f}/s; {CLIENTS} clients"
    return Result(name, statistics.median(ratios), "x", note)


def alone(server: Server, headers: str, scale: float) -> Iterator[Result]:
    requests_, seconds = sends(server, headers), max(SHORT, 5 * SECONDS * scale)
    rate_of(server, requests_, SHORT)
    times = asyncio.run(keep_asking(server, requests_, seconds))
    note = f"{CLIENTS} clients; p50 {percentile(times, 50) * 1000:.0f} ms, p99 {percentile(times, 99) * 1000:.0f} ms"
    yield Result(targets.REQUEST_RATE, len(times) / seconds, "/s", note)


def rate_of(server: Server, asked: list[bytes], seconds: float) -> float:
    return len(asyncio.run(keep_asking(server, asked, seconds))) / seconds


def sends(server: Server, headers: str) -> list[bytes]:
    """One actor for each client."""
    return each(lambda number: queue_request(server, f"c{number}", headers))


def queue_request(server: Server, key: str, headers: str, **options: object) -> bytes:
    body = {"body": {"text": TEXT}, "wait": True, "timeout": 30_000} | options
    return server.request("POST", f"/actors/echo/{key}/queue/say/", body=json.dumps(body), headers=headers)


def inserts(server: Server, headers: str) -> list[bytes]:
    body = json.dumps({"text": TEXT})
    return each(lambda number: server.request("POST", "/insert/", body=body, headers=headers))


def each(make: Callable[[int], bytes]) -> list[bytes]:
    return [make(number) for number in range(CLIENTS)]
