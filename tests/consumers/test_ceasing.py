"""What is no longer heard: because nobody wants it any more, or because they may not."""

import asyncio

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from tests.consumers.browser import Browser
from tests.consumers.page import Refused, page

PLACE = {"actor": "parrot", "key": "x"}


async def nothing_more(browser, kind):
    """Whether nothing of the kind came, all that is on its way included."""
    await asyncio.sleep(0.7)  # looks at everything meanwhile
    await browser.request(type="call", action="heard", **PLACE)
    return [frame for frame in browser.frames if frame["type"] == kind] == []


def test_what_is_addressed_to_a_user_comes_until_it_is_not_wanted(start_worker, server, log_in):
    start_worker()
    _, session = log_in("anna")
    notify = {"type": "send", "queue": "notify", "wait": True, **PLACE}

    async def main():
        async with Browser(server, session=session) as browser:
            await browser.request(type="subscribe_user")
            await browser.request(body="one", **notify)
            assert (await browser.next("event"))["data"] == "one"
            answer = await browser.request(type="unsubscribe_user")
            assert answer == {"type": "unsubscribed", "id": answer["id"], "user": True}
            await browser.request(body="two", **notify)
            assert await nothing_more(browser, "event")
            await browser.request(type="subscribe_user")
            await browser.request(body="three", **notify)
            assert (await browser.next("event"))["data"] == "three"

    asyncio.run(main())


def test_a_message_is_followed_until_it_is_not_wanted(start_worker, server):
    start_worker()

    async def main():
        async with Browser(server) as browser:
            sent = await browser.request(type="send", queue="pack", body=10, **PLACE)
            message = sent["message"]
            await browser.request(type="follow", message=message, **PLACE)
            await browser.next("progress")
            answer = await browser.request(type="unfollow", message=message)
            assert answer == {"type": "unfollowed", "id": answer["id"], "message": message}
            browser.frames.clear()
            await asyncio.sleep(0.5)
            assert await nothing_more(browser, "progress")
            assert await nothing_more(browser, "settled")

    asyncio.run(main())


@pytest.mark.parametrize("sends", ["another", "nobody", "self"])
def test_who_is_no_longer_staff_follows_others_messages_no_longer(start_worker, start_server, log_in, sends):
    start_worker()
    server = start_server(settings={"WEBSOCKET_RECHECK": 0.2})
    (_, anna), (boss, staff) = log_in("anna"), log_in("boss", is_staff=True)
    sender = {"another": anna, "nobody": None, "self": staff}[sends]

    async def main():
        async with Browser(server, session=sender) as one, Browser(server, session=staff) as other:
            sent = await one.request(type="send", queue="pack", body=30, **PLACE)
            await other.request(type="follow", message=sent["message"], **PLACE)
            await asyncio.sleep(0.5)  # it is checked while nothing has changed
            await asyncio.to_thread(User.objects.filter(pk=boss.pk).update, is_staff=False)
            if sends == "another":
                ended = await other.next("unfollowed")
                assert (ended["message"], ended["error"]["code"]) == (sent["message"], "unknown")
                other.frames.clear()
                assert await nothing_more(other, "progress")
            else:
                assert (await other.next("settled"))["response"] == "packed"
                assert not [frame for frame in other.frames if frame["type"] == "unfollowed"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("origin", "enters"),
    [
        ("https://app.example.com", True),
        ("https://deep.app.example.com", True),
        ("http://app.example.com", False),
        ("https://example.org", True),
        ("https://app.example.org", False),
        ("https://badexample.com", False),
        ("https://app.example.com.evil.net", False),
        ("https://app.example.com:8443", False),
    ],
)
def test_pages_of_trusted_origins_are_let_in_subdomains_where_there_is_a_star(backend, origin, enters):
    async def main():
        try:
            async with page(origin=origin):
                return True
        except Refused:
            return False

    with override_settings(CSRF_TRUSTED_ORIGINS=["https://*.example.com", "https://example.org"]):
        assert asyncio.run(main()) is enters
