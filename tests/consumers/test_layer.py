"""Events for a project's own consumers, through a real Redis."""

import asyncio
import json
import os
import socket

import pytest
from channels_redis.core import RedisChannelLayer

from actorqueues.consumers.layer import actor_group, user_group
from tests.consumers.browser import Browser
from tests.fixtures.workers import PATIENCE
from tests.playground.actors import Scribe

REDIS = os.environ.get("AQ_REDIS_URL") or "redis://127.0.0.1:6379/0"


@pytest.fixture
def redis():
    host, _, port = REDIS.removeprefix("redis://").partition("/")[0].partition(":")
    try:
        socket.create_connection((host, int(port or 6379)), timeout=2).close()
    except OSError as error:
        pytest.skip(f"no Redis at {REDIS}: {error}")
    return REDIS


def environment(prefix):
    layer = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS], "prefix": prefix},
    }
    return {"AQ_TEST_CHANNEL_LAYERS": json.dumps({"default": layer})}


@pytest.fixture
def worker_with_layer(worker_process, redis):
    def start(prefix):
        process = worker_process(env=environment(prefix))
        process.wait_for_output("worker starts")
        return RedisChannelLayer(hosts=[redis], prefix=prefix)

    return start


def test_a_worker_publishes_to_the_configured_layer(worker_with_layer, backend):
    layer = worker_with_layer(f"aq-{backend}-{os.getpid()}")
    scribe = Scribe.get_or_create("layered")

    async def main():
        await layer.group_add(actor_group(scribe), "dashboard")
        await layer.group_add(user_group("7"), "seven")
        await layer.group_add(user_group("8"), "eight")
        for note in ("a", "b"):
            await scribe.asend(Scribe.announce, {"note": note})
        for number, note in ((1, "a"), (3, "b")):
            message = await received("dashboard")
            assert message.pop("message")
            assert message == {
                "type": "actor.event", "actor": "scribe", "key": ["layered"], "event": "announced",
                "number": number, "data": note,
            }  # fmt: skip
            assert (await received("seven"))["data"] == note
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(layer.receive("eight"), 0.3)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(layer.receive("dashboard"), 0.3)
        await layer.flush()
        await layer.close_pools()

    async def received(channel):
        return await asyncio.wait_for(layer.receive(channel), PATIENCE)

    asyncio.run(main())


def test_a_project_s_own_consumer_hears_workers_and_web_processes(
    redis, worker_process, start_server, log_in
):
    """Three processes: a worker, a web server whose actions broadcast, and another one with the consumers."""
    env = environment(f"aq-own-{os.getpid()}")
    worker = worker_process(env={**env, "DJANGO_SETTINGS_MODULE": "tests.consumers.settings"})
    worker.wait_for_output("worker starts")
    here, there = start_server(env=env), start_server(env=env)
    (_, anna), (_, berta) = log_in("anna"), log_in("berta")
    place = {"actor": "parrot", "key": "x"}

    async def main():
        async with (
            Browser(here, session=anna) as one,
            Browser(there, session=anna, path="/ws/dashboard/", subprotocols=None) as own,
            Browser(there, session=berta, path="/ws/dashboard/", subprotocols=None) as other,
        ):
            await one.request(type="send", queue="say", body="worked", wait=True, **place)
            await one.request(type="call", action="whisper", args=["called"], **place)
            await one.request(type="send", queue="notify", body="for anna", wait=True, **place)
            for dashboard, names in ((own, ["note", "said", "whisper"]), (other, ["said", "whisper"])):
                heard = [await dashboard.next("actor.event") for _ in names]
                heard = {event["event"]: (event["number"], event["data"]) for event in heard}
                assert sorted(heard) == names
                assert (heard["said"], heard["whisper"]) == ((1, "worked"), (None, "called"))
                assert heard.get("note", (2, "for anna")) == (2, "for anna")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(other.socket.recv(), 0.3)

    asyncio.run(main())


def test_a_layer_that_is_away_holds_up_nobody(worker_process, backend):
    away = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
    }
    process = worker_process(env={"AQ_TEST_CHANNEL_LAYERS": json.dumps({"default": away})})
    process.wait_for_output("worker starts")
    scribe = Scribe.get_or_create("layered")
    for note in "abc":
        assert scribe.send(Scribe.announce, {"note": note}, wait=True, timeout=PATIENCE).status == "completed"
    assert [event.data for event in scribe.events()] == ["a", "a", "b", "b", "c", "c"]
    process.wait_for_output("not published to the channel layer")
