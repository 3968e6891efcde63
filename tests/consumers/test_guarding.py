"""Who is let in, what is refused, and how sockets end. Real servers, both databases."""

import asyncio
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from actorqueues.models import Message
from tests.consumers.actors import Parrot, nested
from tests.consumers.browser import CHANNELS_AUTH, Browser


def parrot(key="x"):
    return {"actor": "parrot", "key": key}


def club():
    return {"actor": "club", "key": "c"}


async def error_of(browser, **frame):
    answer = await browser.request(**frame)
    assert answer["type"] == "error", answer
    return answer["error"]["group"] + "." + answer["error"]["code"]


async def handshake_status(*arguments, **options):
    with pytest.raises(InvalidStatus) as caught:
        async with Browser(*arguments, **options):
            pass
    return caught.value.response.status_code


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example", "http://[", ""]
)
def test_a_foreign_origin_is_refused(server, origin):
    async def main():
        if origin:
            assert await handshake_status(server, origin=origin) in (400, 403)  # daphne's own, or ours
        else:
            async with Browser(server, origin=None) as script:  # no browser: it has nobody's cookies
                assert script.hello["version"] == 1
            async with Browser(server, origin=f"https://{server}"):  # TLS ends at a proxy
                pass

    asyncio.run(main())


def test_another_protocol_is_refused(server):
    async def main():
        assert await handshake_status(server, subprotocols=["actorqueues.v9"]) == 403
        async with Browser(server, subprotocols=None) as browser:
            assert browser.hello["version"] == 1

    asyncio.run(main())


def test_permissions_and_hooks_are_asked_for_every_subscription_and_request(start_worker, server, log_in):
    start_worker()
    user, session = log_in("anna")
    diary = {"actor": "diary", "key": str(user.pk)}

    async def main():
        async with Browser(server) as nobody:
            assert nobody.hello["user"] is None
            assert await error_of(nobody, type="subscribe", **diary) == "auth.not_authenticated"
            assert (
                await error_of(nobody, type="subscribe", events=["public"], **club())
                == "auth.not_authenticated"
            )
            assert (
                await error_of(nobody, type="send", queue="talk", body="x", **club())
                == "auth.not_authenticated"
            )
            assert await error_of(nobody, type="subscribe_user") == "auth.not_authenticated"
        async with Browser(server, session=session) as anna:
            assert anna.hello["user"] == str(user.pk)
            assert (await anna.request(type="subscribe", **diary))["type"] == "subscribed"
            await anna.request(type="send", queue="write", body="dear diary", **diary)
            assert (await anna.next("event"))["data"] == "dear diary"
            other = {"actor": "diary", "key": "someone"}
            for frame in (
                {"type": "subscribe"},
                {"type": "send", "queue": "write", "body": "x"},
                {"type": "follow", "message": "0" * 32},
            ):
                assert await error_of(anna, **frame, **other) == "auth.forbidden"
            assert (
                await error_of(anna, type="subscribe", events=["public", "news"], **club())
                == "auth.forbidden"
            )

    asyncio.run(main())


def test_what_is_not_exposed_is_not_there(server, log_in):
    _, session = log_in("anna")

    async def main():
        async with Browser(server, session=session) as browser:
            for name in ("vault", "nobody"):
                hidden = {"actor": name, "key": "x"}
                sent = {"type": "send", "queue": "open", "body": "x", **hidden}
                assert await error_of(browser, type="subscribe", **hidden) == "actor.unknown_type"
                assert await error_of(browser, **sent) == "actor.unknown_type"
            assert await error_of(browser, type="send", queue="secret", body="x", **club()) == "queue.unknown"
            unknown = await error_of(browser, type="call", action="nothing", **parrot())
            assert unknown == "actor.action_not_found"

    asyncio.run(main())


def test_without_names_one_may_not_listen_where_it_depends_on_the_name(server, log_in):
    _, session = log_in("anna")

    async def main():
        async with Browser(server, session=session) as browser:
            assert await error_of(browser, type="subscribe", **club()) == "request.invalid"
            answer = await browser.request(type="subscribe", events=["public"], **club())
            assert answer["type"] == "subscribed"

    asyncio.run(main())


def test_a_permission_that_is_taken_away_ends_the_subscription(start_worker, start_server, log_in):
    start_worker()
    user, session = log_in("anna", first_name="member")
    server = start_server(settings={"WEBSOCKET_RECHECK": 0.2})

    async def main():
        async with Browser(server, session=session) as browser:
            await browser.request(type="subscribe", events=["news"], **club())
            await browser.request(type="subscribe", **parrot())
            await asyncio.to_thread(change, user)
            ended = await browser.next("unsubscribed")
            assert (ended["actor"], ended["error"]["code"]) == ("club", "forbidden")
            await browser.request(type="send", queue="talk", body="x", wait=True, **club())
            await browser.request(type="send", queue="say", body="still here", **parrot())
            assert (await browser.next("event"))["data"] == "still here"

    def change(user):
        User.objects.filter(pk=user.pk).update(first_name="")

    asyncio.run(main())


@pytest.mark.parametrize("dress", [{}, CHANNELS_AUTH], ids=["by itself", "in AuthMiddlewareStack"])
@pytest.mark.parametrize("how", ["session", "expired", "inactive", "password"])
def test_a_session_that_ends_ends_the_socket(start_server, log_in, how, dress):
    user, session = log_in("anna")
    server = start_server(settings={"WEBSOCKET_RECHECK": 0.2}, env=dress)

    def end():
        if how == "session":
            Session.objects.filter(pk=session).delete()
        elif how == "expired":
            Session.objects.filter(pk=session).update(expire_date=timezone.now() - timedelta(seconds=1))
        elif how == "inactive":
            User.objects.filter(pk=user.pk).update(is_active=False)
        else:
            user.set_password("another")
            user.save()

    async def main():
        async with Browser(server, session=session) as browser:
            await asyncio.sleep(0.5)
            await browser.request(type="call", action="heard", **parrot())
            await asyncio.to_thread(end)
            assert await browser.closed() == 4401

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_frames_that_are_too_large_or_no_text_end_the_socket(start_server, kind):
    server = start_server(kind, settings={"WEBSOCKET_MAX_BYTES": 10_000})

    async def main():
        async with Browser(server) as browser:
            await browser.socket.send("x" * 10_001)
            assert await browser.closed() == 4413
        async with Browser(server) as browser:
            await browser.socket.send(b"{}")
            assert await browser.closed() == 4400

    asyncio.run(main())


def test_frames_that_make_no_sense_are_answered_with_what_is_wrong(server):
    async def main():
        async with Browser(server) as browser:
            for text in ("{", "[]", "1", "[" * 100_000, '{"type": "dance", "id": 1}', '{"id": NaN}', ""):
                await browser.socket.send(text)
                error = (await browser.next("error"))["error"]
                assert (error["group"], error["code"]) == ("socket", "frame_invalid"), text
            for frame in (
                {"type": "send"},
                {"type": "send", "queue": "say", "amount": 5, **parrot()},
                {"type": "send", "queue": "say", "timeout": -1, **parrot()},
                {"type": "subscribe", "actor": "parrot", "key": {}},
                {"type": "subscribe", "actor": "parrot", "key": 1.5},
                {"type": "send", "queue": "say", "body": "x", "idempotency_key": "ü" * 128, **parrot()},
                {"type": "send", "queue": "say", "body": "x", "idempotency_key": "\ud800", **parrot()},
            ):
                assert await error_of(browser, **frame) == "socket.frame_invalid", frame
            longest = {"body": "x", "idempotency_key": "ü" * 127 + "x"}  # 255 bytes
            answer = await browser.request(type="send", queue="say", **longest, **parrot())
            assert answer["status"] == "queued"
            assert await error_of(browser, type="subscribe", **parrot("\0")) == "actor.key_invalid"
            assert (
                await error_of(browser, type="send", queue="say", body={}, **parrot())
                == "queue.message_invalid"
            )
            wrong = await error_of(browser, type="send", queue="sleep", body="x" * 70_000, **parrot())
            assert wrong in ("queue.message_invalid", "queue.message_too_large")
            await browser.send(type="ping", id="still there")
            assert (await browser.next("pong"))["id"] == "still there"

    asyncio.run(main())


def test_a_socket_has_so_many_subscriptions_and_waiting_requests(start_server):
    server = start_server(settings={"WEBSOCKET_SUBSCRIPTIONS": 2, "WEBSOCKET_REQUESTS": 2})

    async def main():
        async with Browser(server) as browser:
            for key in "aab":
                assert (await browser.request(type="subscribe", **parrot(key)))["type"] == "subscribed"
            assert await error_of(browser, type="subscribe", **parrot("c")) == "socket.too_many_subscriptions"
            await browser.request(type="unsubscribe", **parrot("a"))
            assert (await browser.request(type="subscribe", **parrot("c")))["type"] == "subscribed"
            waiting = {"type": "send", "queue": "say", "body": "x", "wait": True, "timeout": 500, **parrot()}
            for number in (101, 102):
                await browser.send(id=number, **waiting)
            assert await error_of(browser, **waiting) == "socket.too_many_requests"
            for number in (101, 102):  # nobody works
                answer = await browser.where(lambda one, number=number: one.get("id") == number)
                assert answer["status"] == "timedOut"
            assert (await browser.request(**waiting))["status"] == "timedOut"

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_a_slow_reader_is_dropped_and_told_why_while_others_hear_everything(start_worker, start_server, kind):
    start_worker()
    server = start_server(kind, settings={"WEBSOCKET_PATIENCE": 2})
    count, size = 100, 30_000

    async def main():
        slow = Browser(server, answers=False, max_queue=1, ping_interval=None)
        async with slow, Browser(server) as quick:
            for browser in (slow, quick):
                await browser.request(type="subscribe", **parrot())
            await Parrot.get_or_create("x").asend("say_many", {"count": count, "size": size})
            for number in range(1, count + 1):
                assert (await quick.next("event"))["number"] == number
            assert await slow.closed() == 4429
            heard = [frame["number"] for frame in slow.frames if frame["type"] == "event"]
            assert 0 < len(heard) < count
            assert heard == list(range(1, len(heard) + 1))

    asyncio.run(main())


def test_who_answers_no_ping_is_dropped(start_server):
    server = start_server(settings={"WEBSOCKET_HEARTBEAT": 0.1, "WEBSOCKET_PATIENCE": 0.3})

    async def main():
        async with Browser(server, answers=False) as silent, Browser(server) as awake:
            assert await asyncio.gather(silent.closed(), stay(awake)) == [4408, None]

    async def stay(awake):
        for _ in range(20):
            await awake.request(type="call", action="heard", **parrot())
            await asyncio.sleep(0.05)

    asyncio.run(main())


def test_pongs_that_nobody_asked_for_keep_nobody_alive(start_server):
    server = start_server(settings={"WEBSOCKET_HEARTBEAT": 0.1, "WEBSOCKET_PATIENCE": 0.5})

    async def main():
        async with Browser(server, answers=False) as liar:
            lying = asyncio.create_task(lie(liar))
            assert await liar.closed() == 4408
            lying.cancel()

    async def lie(liar):
        while True:
            for number in (-1, 0, 1, 2, 3, 2**31, 2**63):
                await liar.send(type="pong", ping=number)
            await asyncio.sleep(0.02)

    asyncio.run(main())


def test_somebody_else_s_message_is_not_there(start_worker, server, log_in):
    start_worker()
    (_, anna), (_, berta) = log_in("anna"), log_in("berta")
    _, boss = log_in("boss", is_staff=True)

    async def main():
        async with (
            Browser(server, session=anna) as one,
            Browser(server, session=berta) as other,
            Browser(server, session=boss) as staff,
        ):
            sent = await one.request(type="send", queue="pack", body=20, **parrot())
            message = {"message": sent["message"], **parrot()}
            assert await error_of(other, type="follow", **message) == "message.unknown"
            for browser in (one, staff):
                assert (await browser.request(type="follow", **message))["type"] == "following"
                assert (await browser.next("progress"))["total"] == 20

    asyncio.run(main())


def test_a_wait_for_somebody_else_s_message_is_refused_at_once(server, log_in):
    (_, anna), (_, berta) = log_in("anna"), log_in("berta")
    sending = {"type": "send", "queue": "say_once", "body": "x", **parrot()}

    async def main():
        async with Browser(server, session=anna) as one, Browser(server, session=berta) as other:
            assert (await one.request(**sending))["status"] == "queued"
            assert await error_of(other, **sending, wait=True, timeout=500) == "auth.forbidden"
            assert (await one.request(**sending, wait=True, timeout=500))["status"] == "timedOut"

    asyncio.run(main())


def test_what_an_action_returns_too_deeply_nested_is_a_named_error(server, log_in):
    _, anna = log_in("anna")
    call = {"type": "call", **parrot()}

    async def main():
        async with Browser(server, session=anna) as browser:
            assert "output" in await browser.request(**call, action="nest", args=[200])
            assert await error_of(browser, **call, action="nest", args=[300]) == "actor.output_invalid"
            assert await error_of(browser, **call, action="nest", args=[nested(300)]) == "request.invalid"

    asyncio.run(main())


def test_what_an_action_sends_is_its_caller_s(backend, server, log_in):
    user, anna = log_in("anna")

    async def main():
        async with Browser(server, session=anna) as browser:
            assert (await browser.request(type="call", **parrot(), action="pass_on", args=["a"]))[
                "output"
            ] is None

    asyncio.run(main())
    assert Message.objects.get().user_id == str(user.pk)


def test_dedupe_keys_are_each_user_s_own_and_never_the_project_s(start_worker, server, log_in):
    start_worker()
    (_, anna), (_, berta) = log_in("anna"), log_in("berta")
    sending = {
        "type": "send",
        "queue": "say",
        "wait": True,
        "dedupe": "7",
        "idempotency_key": "7",
        **parrot(),
    }

    async def main():
        async with Browser(server, session=anna) as one, Browser(server, session=berta) as other:
            for browser, body, reply in ((one, "a", "A"), (other, "b", "B"), (one, "a", "A")):
                assert (await browser.request(**sending, body=body))["response"] == reply

    asyncio.run(main())
    for options in ({"dedupe": "7"}, {"idempotency_key": "7"}):
        assert Parrot.get_or_create("x").send("say", "c", **options).deduplicated is False


def test_the_reply_to_somebody_else_s_message_is_not_told(start_worker, server, log_in):
    start_worker()
    (_, anna), (_, berta) = log_in("anna"), log_in("berta")
    _, boss = log_in("boss", is_staff=True)
    sending = {"type": "send", "queue": "say_once", "body": "x", "wait": True, **parrot()}

    async def main():
        async with (
            Browser(server, session=anna) as one,
            Browser(server, session=berta) as other,
            Browser(server, session=boss) as staff,
        ):
            sent = await one.request(**sending)
            assert (sent["status"], sent["response"]) == ("completed", "X")
            message = {"message": sent["message"], **parrot()}
            assert await error_of(other, type="follow", **message) == "message.unknown"
            assert await error_of(other, **sending) == "auth.forbidden"
            for browser in (one, staff):
                assert (await browser.request(type="follow", **message))["type"] == "following"
                assert (await browser.next("settled"))["response"] == "X"

    asyncio.run(main())


def test_the_frame_of_an_event_is_what_it_says():
    from uuid import UUID

    from actorqueues.consumers.frames import event_text
    from actorqueues.events.live import LiveEvent

    data = json.dumps({"text": "ü\u2028"})
    event = LiveEvent(1, UUID(int=1), "chat", ("a", "b"), 7, "said", data, UUID(int=2), None)
    assert json.loads(event_text(event)) == {
        "type": "event", "actor": "chat", "key": ["a", "b"], "event": "said", "number": 7,
        "message": UUID(int=2).hex, "user": False, "data": {"text": "ü\u2028"},
    }  # fmt: skip
