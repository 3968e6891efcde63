"""The database goes away behind open sockets, and comes back; and there is no worker."""

import asyncio
from base64 import b64encode

import pytest
from websockets.exceptions import InvalidStatus

from actorqueues.models import Message
from tests.consumers.actors import Parrot
from tests.consumers.browser import CHANNELS_AUTH, Browser
from tests.fixtures.backends import only_postgresql, only_sqlite

PLACE = {"actor": "parrot", "key": "x"}


@only_postgresql
@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_a_socket_outlives_its_database_and_misses_nothing(kind, start_worker, start_server, proxy):
    """The worker has a way of its own to the database: it goes on meanwhile."""
    start_worker()
    server = start_server(kind, route=proxy.address)
    parrot = Parrot.get_or_create("x")

    async def main():
        async with Browser(server) as browser:
            await browser.request(type="subscribe", **PLACE)
            await parrot.asend("say", "before", wait=True)
            with proxy.refusing():
                for wait in (False, True):
                    answer = await browser.request(type="send", queue="say", body="lost", wait=wait, **PLACE)
                    assert is_told(answer)
                assert is_told(await browser.request(type="call", action="heard", **PLACE))
                await parrot.asend("say", "meanwhile", wait=True)
            answer = await browser.request(type="send", queue="say", body="after", wait=True, **PLACE)
            assert answer["response"] == "AFTER"
            heard = [await browser.next("event") for _ in range(3)]
            assert [(event["number"], event["data"]) for event in heard] == [
                (1, "before"), (2, "meanwhile"), (3, "after"),
            ]  # fmt: skip
            assert not await Message.objects.aexists()

    asyncio.run(main())


@only_postgresql
def test_who_connects_without_a_session_meanwhile_is_served_and_told(start_server, proxy):
    server = start_server(route=proxy.address)

    async def main():
        with proxy.refusing():
            async with Browser(server) as browser:
                assert is_told(await browser.request(type="send", queue="say", body="lost", **PLACE))

    asyncio.run(main())


@only_postgresql
@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
@pytest.mark.parametrize("how", ["token", "session"])
def test_who_connects_with_credentials_meanwhile_is_told_to_try_again(kind, start_server, proxy, log_in, how):
    server = start_server(kind, route=proxy.address)
    user, session = log_in("anna", password="secret")
    login = {"headers": {"Authorization": f"Basic {b64encode(b'anna:secret').decode()}"}}
    if how == "session":
        login = {"session": session}

    async def main():
        with proxy.refusing():
            browser = Browser(server, **login)
            async with browser.connecting as browser.socket:
                assert is_told(await browser.next("error"))
                assert await browser.closed() == 4503
        async with Browser(server, **login) as browser:
            assert browser.hello["user"] == str(user.pk)

    asyncio.run(main())


@only_postgresql
@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_in_channels_own_middleware_a_session_is_refused_meanwhile_and_welcome_again(
    kind, start_server, proxy, log_in
):
    """Whose session it is cannot be known: the middleware gives up before a socket is there."""
    server = start_server(kind, route=proxy.address, env=CHANNELS_AUTH)
    user, session = log_in("anna")

    async def main():
        with proxy.refusing(), pytest.raises(InvalidStatus) as refused:
            async with Browser(server, session=session):
                pass
        assert refused.value.response.status_code >= 500
        async with Browser(server, session=session) as browser:
            assert browser.hello["user"] == str(user.pk)

    asyncio.run(main())


@only_sqlite
@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_without_workers_a_message_is_taken_and_a_wait_times_out(kind, start_server):
    server = start_server(kind)

    async def main():
        async with Browser(server) as browser:
            answer = await browser.request(type="send", queue="say", body="a", **PLACE)
            assert answer["status"] == "queued"
            wait = {"wait": True, "timeout": 50}
            answer = await browser.request(type="send", queue="say", body="b", **wait, **PLACE)
            assert answer["status"] == "timedOut"
        assert await Message.objects.acount() == 2

    asyncio.run(main())


def is_told(answer):
    error = answer["error"]
    assert "try again soon" in error["message"].lower()
    return (error["group"], error["code"]) == ("database", "unavailable")
