"""What happens at the same moment as something else. The consumers run here, so that a test says when."""

import asyncio
import json
import threading

import pytest
from django.test import override_settings

from actorqueues.conf import settings
from actorqueues.events.hub import EventHub, event_hub_of
from actorqueues.events.reading import EventReader
from actorqueues.storage.events import store_transient_events
from tests.consumers.actors import Club, Parrot
from tests.consumers.page import page
from tests.fixtures.workers import PATIENCE, eventually

PLACE = {"actor": "parrot", "key": ["x"]}
NEWS = {"actor": "club", "key": ["c"], "events": ["news"]}


class Gate:
    """Holds up whoever passes while it is closed."""

    def __init__(self):
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()

    def close(self):
        self.reached.clear()
        self.open.clear()

    def before(self, function):
        def passing(*arguments, **options):
            if not self.open.is_set():
                self.reached.set()
                assert self.open.wait(PATIENCE)
            return function(*arguments, **options)

        return passing


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


def with_settings(**own):
    return override_settings(ACTORQUEUES={"DATABASE": settings.DATABASE, **own})


@pytest.mark.parametrize("kind", ["send", "subscribe", "follow"])
def test_pings_are_answered_while_a_request_hangs_and_requests_keep_their_order(
    start_worker, gate, monkeypatch, kind
):
    start_worker()
    monkeypatch.setattr(Parrot, "can_connect", gate.before(lambda access: True))
    hanging = {
        "send": {"queue": "say", "body": "first"},
        "subscribe": {},
        "follow": {"message": "0" * 32},
    }[kind]

    async def main():
        async with page() as here:
            gate.close()
            await here.send(id="hangs", type=kind, **hanging, **PLACE)
            await here.send(id="then", type="send", queue="say", body="second", wait=True, **PLACE)
            pings = 0
            async with asyncio.timeout(PATIENCE):
                while pings < 9:  # longer than the patience
                    ping = await here.receive()
                    assert ping["type"] == "ping"
                    await here.send(type="pong", ping=ping["ping"])
                    await here.send(type="ping", id=pings)
                    assert await here.receive() == {"type": "pong", "id": pings}
                    pings += 1
            assert gate.reached.is_set()
            gate.open.set()
            answers = [(await here.until(lambda frame: "id" in frame))["id"] for _ in range(2)]
            assert answers == ["hangs", "then"]

    with with_settings(WEBSOCKET_HEARTBEAT=0.4, WEBSOCKET_PATIENCE=3):
        asyncio.run(main())


def test_what_was_asked_before_the_socket_ended_is_done(start_worker, gate, monkeypatch):
    start_worker()
    monkeypatch.setattr(Parrot, "can_connect", gate.before(lambda access: True))

    async def main():
        async with page() as here:
            gate.close()
            for number, word in enumerate("abc"):
                await here.send(id=number, type="send", queue="say", body=word, **PLACE)
            assert await asyncio.to_thread(gate.reached.wait, PATIENCE)
            asyncio.get_running_loop().call_later(0.5, gate.open.set)

    asyncio.run(main())
    eventually(lambda: [event.data for event in Parrot.get_or_create("x").events()] == ["a", "b", "c"])


def test_who_asks_without_end_is_heard_no_further_until_it_is_done(backend, gate, monkeypatch):
    monkeypatch.setattr("actorqueues.web.line.LONGEST", 3)
    monkeypatch.setattr(Parrot, "can_connect", gate.before(lambda access: True))

    async def main():
        async with page() as here:
            gate.close()
            for number in range(10):
                await here.send(id=number, type="send", queue="say", body="x", **PLACE)
            await here.send(type="ping", id="late")
            assert await here.socket.receive_nothing(0.5)
            gate.open.set()
            assert (await here.answer("late"))["type"] == "pong"
            assert len([frame for frame in here.frames if frame["type"] == "reply"]) >= 4

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["numbered", "transient"])
@pytest.mark.parametrize("held_up", [(EventReader, "read"), (EventHub, "_next_look")])
def test_an_event_for_a_user_comes_once_whenever_the_actor_is_subscribed(
    start_worker, log_in, gate, monkeypatch, kind, held_up
):
    """Held up is the look that finds the event: before it begins, or before it reads."""
    start_worker()
    user, _ = log_in("anna")
    Parrot.create("x")
    monkeypatch.setattr(*held_up, gate.before(getattr(*held_up)))

    async def tell(here, text):
        if kind == "numbered":
            await here.request(text, type="send", queue="notify", body=text, wait=True, **PLACE)
        else:
            actor_id = Parrot.get("x")._target.actor_id
            event = ("note", json.dumps(text), str(user.pk))
            await asyncio.to_thread(store_transient_events, actor_id, 1, [event], using=settings.DATABASE)

    def heard(here):
        return [frame["data"] for frame in here.frames if frame["type"] == "event"]

    async def main():
        async with page(user) as here:
            await here.request("user", type="subscribe_user")
            gate.close()
            await tell(here, "before")
            assert await asyncio.to_thread(gate.reached.wait, PATIENCE)
            await here.send(id="actor", type="subscribe", **PLACE)
            hub = event_hub_of(settings.DATABASE)
            await asyncio.to_thread(eventually, lambda: hub.listeners == 2)
            gate.open.set()
            await here.answer("actor")
            await tell(here, "after")
            while "after" not in heard(here):  # it may have come before the answer to its message
                here.frames.append(await here.receive())
            await asyncio.sleep(1)  # looks at everything meanwhile
            await here.request("end", type="call", action="heard", **PLACE)
            assert heard(here) == ["before", "after"]

    with with_settings(POLL_INTERVAL=0.2):
        asyncio.run(main())


def test_an_event_for_a_user_is_told_though_the_subscription_that_begins_is_given_up(
    start_worker, log_in, gate, monkeypatch
):
    start_worker()
    user, _ = log_in("anna")
    monkeypatch.setattr(EventReader, "read", gate.before(EventReader.read))

    async def main():
        async with page(user) as here:
            await here.request("user", type="subscribe_user")
            gate.close()
            await here.request("told", type="send", queue="notify", body="before", wait=True, **PLACE)
            assert await asyncio.to_thread(gate.reached.wait, PATIENCE)
            await here.send(id="actor", type="subscribe", **PLACE)
            await here.request("not", type="unsubscribe", **PLACE)
            gate.open.set()
            assert (await here.until(lambda frame: frame["type"] == "event"))["data"] == "before"

    asyncio.run(main())


def test_a_subscription_that_takes_another_s_place_while_that_is_checked_stays(
    start_worker, log_in, gate, monkeypatch
):
    start_worker()
    user, _ = log_in("anna", first_name="member")
    here_first = threading.Event()

    def can_subscribe(access, event):
        if not armed.is_set():
            return True
        armed.clear()
        here_first.set()
        assert gate.open.wait(PATIENCE)
        return False

    armed = threading.Event()
    monkeypatch.setattr(Club, "can_subscribe", can_subscribe)

    async def main():
        async with page(user) as here:
            await here.request("one", type="subscribe", **NEWS)
            gate.close()
            armed.set()
            assert await asyncio.to_thread(here_first.wait, PATIENCE)
            await here.request("two", type="subscribe", **NEWS)
            gate.open.set()
            await asyncio.sleep(0.6)  # the check's answer, which is of the first one; and another check
            await Club.get_or_create("c").asend("talk", "still here")
            await here.until(lambda frame: frame["type"] == "event")
            assert not [frame for frame in here.frames if frame["type"] == "unsubscribed"]
            await here.request("off", type="unsubscribe", actor="club", key=["c"])
            await asyncio.to_thread(eventually, lambda: event_hub_of(settings.DATABASE).listeners == 0)

    with with_settings(WEBSOCKET_RECHECK=0.2):
        asyncio.run(main())
