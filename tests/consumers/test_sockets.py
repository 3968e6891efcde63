"""Actors over a real WebSocket: daphne in a process, a worker here, both databases."""

import asyncio

from actorqueues.models import DeadLetter, Event
from tests.consumers.actors import Parrot
from tests.consumers.browser import Browser
from tests.fixtures.workers import PATIENCE, eventually


def address(actor="parrot", key="x"):
    return {"actor": actor, "key": key}


def test_a_live_broadcast_reaches_all_browsers(start_worker, server):
    start_worker()

    async def main():
        async with Browser(server) as one, Browser(server) as other:
            for browser in (one, other):
                answer = await browser.request(type="subscribe", **address())
                assert answer | {"id": 0} == {
                    "type": "subscribed", "id": 0, "actor": "parrot", "key": ["x"], "number": 0,
                    "generation": None,
                }  # fmt: skip
            sent = await one.request(type="send", queue="say", body="hello", **address())
            assert sent["status"] == "queued"
            for browser in (one, other):
                assert await browser.next("event") == {
                    "type": "event", "actor": "parrot", "key": ["x"], "event": "said", "number": 1,
                    "message": sent["message"], "user": False, "data": "hello",
                }  # fmt: skip

    asyncio.run(main())


def test_who_reconnects_with_its_last_number_misses_nothing(start_worker, server):
    start_worker()
    parrot = Parrot.get_or_create("x")

    async def main():
        heard, last = [], 0
        for turn in range(3):
            async with Browser(server) as browser:
                await browser.request(type="subscribe", after=last, **address())
                await parrot.asend("say", f"live {turn}")
                while not heard or heard[-1]["data"] != f"live {turn}":
                    heard.append(await browser.next("event"))
                last = heard[-1]["number"]
            await parrot.asend("say", f"missed {turn}", wait=True)
        assert [event["number"] for event in heard] == list(range(1, 6))
        assert [event["data"] for event in heard] == ["live 0", "missed 0", "live 1", "missed 1", "live 2"]

    asyncio.run(main())


def test_a_number_that_is_too_old_is_reset(start_worker, server):
    start_worker()
    parrot = Parrot.get_or_create("x")
    for word in "abcd":
        parrot.ask("say", word, timeout=PATIENCE)
    Event.objects.filter(number__lte=3).delete()

    async def main():
        async with Browser(server) as browser:
            answer = await browser.request(type="subscribe", after=1, **address())
            assert answer["number"] == 4
            reset = await browser.next("reset")
            assert (reset["actor"], reset["key"], reset["number"]) == ("parrot", ["x"], 3)
            assert (await browser.next("event"))["data"] == "d"
            again = {"after": 4, "generation": answer["generation"] + 1}
            await browser.request(type="subscribe", **again, **address())
            assert (await browser.next("reset"))["generation"] == answer["generation"]

    asyncio.run(main())


def test_messages_are_answered_by_the_request_s_id_in_rivet_s_words(start_worker, server):
    start_worker()

    async def main():
        async with Browser(server) as browser:
            slow = {"queue": "sleep", "body": 0.3, "wait": True}
            await browser.send(type="send", id="slow", **slow, **address(key="slow"))
            answer = await browser.request(type="send", queue="say", body="a", wait=True, **address())
            assert (answer["status"], answer["response"]) == ("completed", "A")
            failed = await browser.request(type="send", queue="refuse", body="no", wait=True, **address())
            assert (failed["status"], failed["response"]) == ("failed", None)
            assert "no" in failed["error"]
            waiting = {"queue": "sleep", "body": 2, "wait": True, "timeout": 50}
            assert (await browser.request(type="send", **waiting, **address()))["status"] == "timedOut"
            assert (await browser.where(lambda one: one.get("id") == "slow"))["response"] == "slept"

    asyncio.run(main())


def test_messages_of_one_socket_keep_their_order(start_worker, server):
    start_worker()

    async def main():
        async with Browser(server) as browser:
            for number in range(30):
                await browser.send(type="send", id=1000 + number, queue="say", body=str(number), **address())
            await browser.request(type="send", queue="say", body="end", wait=True, **address())
            heard = await browser.request(type="call", action="heard", **address())
            assert heard["output"] == [*map(str, range(30)), "end"]

    asyncio.run(main())


def test_actions_are_called_and_their_events_are_heard(start_worker, server):
    async def main():
        async with Browser(server) as browser:
            await browser.request(type="subscribe", events=["whisper"], **address())
            answer = await browser.request(type="call", action="whisper", args=["psst"], **address())
            assert answer["output"] is None
            event = await browser.next("event")
            assert (event["event"], event["data"], event["number"]) == ("whisper", "psst", None)
            wrong = await browser.request(type="call", action="heard", kwargs={"loud": 1}, **address())
            assert wrong["error"]["group"] == "request"

    asyncio.run(main())


def test_progress_comes_as_it_is_made_and_then_the_end(start_worker, server):
    start_worker()

    async def main():
        async with Browser(server) as browser:
            sent = await browser.request(type="send", queue="pack", body=20, **address())
            message = {"message": sent["message"]}
            await browser.request(type="follow", **message, **address())
            settled = await browser.next("settled")
            assert (settled["status"], settled["response"]) == ("completed", "packed")
            reports = [frame for frame in browser.frames if frame["type"] == "progress"]
            assert 3 <= len(reports) <= 20
            assert [one["done"] for one in reports] == sorted(one["done"] for one in reports)
            assert reports[-1] == {
                "type": "progress", **message, "done": 20, "total": 20, "note": "packing", "attempt": 1,
            }  # fmt: skip
        async with Browser(server) as late:  # a page that was loaded anew
            await late.request(type="follow", **message, **address())
            assert (await late.next("progress"))["done"] == 20
            assert (await late.next("settled"))["status"] == "completed"

    asyncio.run(main())


def test_the_end_of_a_dead_letter_says_why(start_worker, server):
    start_worker()
    receipt = Parrot.get_or_create("x").send("refuse", "not today")
    eventually(DeadLetter.objects.exists)

    async def main():
        async with Browser(server) as browser:
            await browser.request(type="follow", message=receipt.id, **address())
            settled = await browser.next("settled")
            assert (settled["status"], settled["error"]) == ("failed", "not today")

    asyncio.run(main())


def test_the_end_of_a_message_of_which_nothing_is_kept_is_told_too(start_worker, server):
    start_worker()
    receipt = Parrot.get_or_create("x").send("hush", 0.5)

    async def main():
        async with Browser(server) as browser:
            answer = await browser.request(type="follow", message=receipt.id, **address())
            assert answer["type"] == "following"
            assert (await browser.next("settled"))["status"] == "gone"
            answer = await browser.request(type="follow", message=receipt.id, **address())
            assert (answer["error"]["group"], answer["error"]["code"]) == ("message", "unknown")

    asyncio.run(main())


def test_a_user_s_own_socket_gets_what_is_addressed_to_that_user_once_and_nobody_else_s(
    start_worker, server, log_in
):
    start_worker()
    (_, anna), (_, berta) = log_in("anna"), log_in("berta")

    async def main():
        async with Browser(server, session=anna) as one, Browser(server, session=berta) as other:
            await one.request(type="subscribe_user")
            await other.request(type="subscribe_user")
            await other.request(type="subscribe", **address())
            await one.request(type="send", queue="notify", body="for anna", wait=True, **address())
            await other.request(type="send", queue="notify", body="for berta", wait=True, **address())
            assert (await one.next("event"))["data"] == "for anna"
            assert (await other.next("event"))["data"] == "for berta"
            await asyncio.sleep(1.2)  # looks at everything meanwhile
            for browser in (one, other):
                await browser.request(type="call", action="heard", **address())
                assert [frame for frame in browser.frames if frame["type"] == "event"] == []

    asyncio.run(main())


def test_uvicorn_serves_it_too(start_worker, start_server, log_in):
    start_worker()
    _, session = log_in("anna")
    server = start_server("uvicorn")

    async def main():
        async with Browser(server, session=session) as browser:
            await browser.request(type="subscribe", **address("club", "c"), events=["public"])
            await browser.request(type="send", queue="talk", body="hello", **address("club", "c"))
            assert (await browser.next("event"))["data"] == "hello"

    asyncio.run(main())


def test_many_sockets_hear_one_broadcast(start_worker, server):
    start_worker()

    async def main():
        browsers = [Browser(server) for _ in range(50)]
        await asyncio.gather(*(browser.__aenter__() for browser in browsers))
        await asyncio.gather(*(browser.request(type="subscribe", **address()) for browser in browsers))
        await Parrot.get_or_create("x").asend("say", "all")
        heard = await asyncio.gather(*(browser.next("event") for browser in browsers))
        assert {event["data"] for event in heard} == {"all"}
        await asyncio.gather(*(browser.__aexit__(None, None, None) for browser in browsers))

    asyncio.run(main())
