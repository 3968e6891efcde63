"""The pages without a browser: what their scripts ask the server for, asked by us."""

import asyncio
import secrets
from statistics import median
from time import perf_counter
from typing import Any

from demo_project.checking.report import Failed, Report, until
from demo_project.checking.wire import LINKED, Site, Socket

COUNTER = {"actor": "counter", "key": ["main"]}
IMPORTER = {"actor": "importer", "key": ["catalogue"]}


async def check_pages(report: Report, address: str) -> None:
    """Raises ``Failed``."""
    site = Site(address)
    for name, check in (
        ("counter", counter),
        ("import", importing),
        ("assistant", assistant),
        ("storm", storm),
    ):
        report.begin(f"/{name}/", "HTTP and WebSocket")
        await open_page(report, site, f"/{name}/")
        await check(report, site)


async def open_page(report: Report, site: Site, path: str) -> None:
    page = await site.get(path)
    if page.status != 200 or "script-src 'self'" not in page.headers.get("Content-Security-Policy", ""):
        raise Failed(f"{path} is a {page.status} with the headers {dict(page.headers)}")
    linked = LINKED.findall(page.text)
    found = [(await site.get(place)).status for place in linked]
    report.expect("the page is there, and so are its style and its scripts", found, [200] * len(linked))


async def counter(report: Report, site: Site) -> None:
    async with Socket(site.address) as mine, Socket(site.address) as other:
        await other.request(type="subscribe", **COUNTER)
        before = (await mine.request(type="call", action="value", args=[], **COUNTER))["output"]
        times, values = [], []
        for amount in (1, 5, 100):
            begin = perf_counter()
            body = {"queue": "increment", "body": {"amount": amount}, "wait": True}
            values.append((await mine.request(type="send", **COUNTER, **body))["response"]["value"])
            times.append(perf_counter() - begin)
        wanted = [before + 1, before + 6, before + 106]
        report.expect("three messages are three answers, added up", values, wanted)
        heard = [await other.next(lambda frame: frame["type"] == "event") for _ in wanted]
        report.expect(
            "a second window saw them without asking", [frame["data"]["value"] for frame in heard], wanted
        )
        report.tell(f"median round trip {1000 * median(times):.1f} ms")


async def importing(report: Report, site: Site) -> None:
    file = (await site.get("/static/shop/products.csv")).text
    foreign = await site.upload("/import/upload/", file, token="")
    report.expect("another site's form is refused", foreign.status, 403)
    await no_catalogue(report, site)
    follow = await upload(site, file)
    async with Socket(site.address) as first:
        await first.request(**follow)
        await first.next(lambda frame: frame["type"] == "progress" and frame["done"] > 30)
    async with Socket(site.address) as second:
        await second.request(**follow)
        seen = await second.next(lambda frame: frame["type"] == "progress")
        report.expect(
            "a new connection shows the same import", (seen["done"] > 30, seen["total"]), (True, 365)
        )
        await kill_worker(report, site)
        again = await second.next(lambda frame: frame["type"] == "progress" and frame["attempt"] == 2)
        report.expect("the next worker took it up where it was", again["done"] >= seen["done"], True)
        end = await second.next(lambda frame: frame["type"] == "settled")
        found = end["status"], end["response"]["products"], len(end["response"]["refused"])
        report.expect("it came to its end: 365 lines, 3 refused", found, ("completed", 362, 3))


async def no_catalogue(report: Report, site: Site) -> None:
    async with Socket(site.address) as socket:
        await socket.request(**await upload(site, "name,colour\nlamp,red\n"))
        end = await socket.next(lambda frame: frame["type"] == "settled")
        told = end["status"], "price, sku" in (end["error"] or "")
        report.expect("a file without prices is refused, and told why", told, ("failed", True))


async def upload(site: Site, file: str) -> dict[str, str | list[str]]:
    """What a page says to follow it."""
    stored = await site.upload("/import/upload/", file)
    if stored.status != 202:
        raise Failed(f"the upload is a {stored.status}: {stored.text}")
    return {"type": "follow", "message": stored.json["id"], **IMPORTER}


async def assistant(report: Report, site: Site) -> None:
    mine = {"actor": "assistant", "key": [secrets.token_hex(8)]}
    async with Socket(site.address) as first:
        await first.request(type="subscribe", after=0, **mine)
        body = {"queue": "prompt", "body": {"text": "What is an actor?"}}
        message = (await first.request(type="send", **mine, **body))["message"]
        events = [await first.next(lambda frame: frame["type"] == "event") for _ in range(15)]
    async with Socket(site.address) as second:
        await second.request(type="subscribe", after=events[-1]["number"], **mine)
        await second.request(type="follow", message=message, **mine)
        events += [await second.next(lambda frame: frame["type"] == "event") for _ in range(10)]
        report.tell("it talks, and a new connection goes on with the next word")
        await second.request(type="send", queue="stop", **mine)
        answer = (await second.next(lambda frame: frame["type"] == "settled"))["response"]
        report.expect("stopped in the middle", answer["stopped"], True)
        words = answer["text"].split()
        while len(events) < len(words):
            events.append(await second.next(lambda frame: frame["type"] == "event"))
        report.expect("no word was missed, none came twice", [one["data"]["text"] for one in events], words)


async def storm(report: Report, site: Site) -> None:
    mine = {"actor": "storm", "key": [secrets.token_hex(8)]}
    async with Socket(site.address) as socket:
        plan = {"messages": 10_000, "accounts": 500}
        await socket.request(type="send", queue="begin", body=plan, **mine)

        async def ledger() -> dict[str, Any]:
            await asyncio.sleep(0.25)
            answer = await socket.request(type="call", action="ledger", args=[], **mine)
            return dict(answer["output"])

        await until("the ledger fills", ledger, lambda found: found["once"] > 1500)
        await kill_worker(report, site)
        if (await ledger())["waiting"] == 0:
            raise Failed("the storm was over before the worker was killed")
        end = await until("the storm ends", ledger, lambda found: found["waiting"] == 0)
        report.tell(f"{end['again']} messages were delivered again after the kill")
        figures = [end[name] for name in ("sent", "once", "waiting", "lost", "doubled")]
        report.expect(
            "10,000 sent, 10,000 in the ledger, 0 waiting, 0 lost, 0 doubled",
            figures,
            [10_000, 10_000, 0, 0, 0],
        )


async def kill_worker(report: Report, site: Site) -> None:
    killed = (await site.post("/worker/")).json["killed"]

    async def successors() -> set[int]:
        return set((await site.get("/worker/")).json["running"]) - set(killed)

    after = await until("another worker starts", successors)
    if not killed:
        raise Failed("there was no worker to kill")
    report.tell(f"worker {killed[0]} was killed, {after.pop()} has started")
