"""How long the client waits for a service that does not answer as it should; and what it makes of odd answers."""

import asyncio
import json
import pickle
import threading
import time

import pytest

from actorqueues import QueueFull
from actorqueues.remote import Client, RemoteError, Unreachable
from tests.remote.mute import HEAD, Mute


@pytest.fixture
def mute(request):
    def start(**how):
        server = Mute(**how)
        request.addfinalizer(server.close)
        return server

    return start


def answer(status, said, kind="application/json"):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def ask(handle, **options):
    return handle.ask("increment", **options)


def ask_on_a_loop(handle, **options):
    return asyncio.run(handle.aask("increment", **options))


@pytest.mark.parametrize("how", [{}, {"says": HEAD, "drips": True}], ids=["says nothing", "never ends"])
@pytest.mark.parametrize("ask", [ask, ask_on_a_loop])
def test_all_tries_share_one_deadline(mute, how, ask):
    server = mute(**how)
    handle = Client(server.url, timeout=0.5).counter.get_or_create("main")
    begun = time.monotonic()
    with pytest.raises(Unreachable, match=r"no answer in 1\.\d seconds"):
        ask(handle, timeout=1)
    took = time.monotonic() - begun
    assert 1.0 <= took < 2.5, took  # 1 that was asked for and 0.5 beyond; the rest is the machine's
    assert server.requests == 1


def test_what_is_lost_again_and_again_is_given_up_in_time(mute):
    server = mute(hangs_up=True)
    with Client(server.url, timeout=0.2) as client, pytest.raises(Unreachable):
        client.counter.get_or_create("main").send("increment")
    assert 1 <= server.requests < 4  # the pauses before four are longer than the deadline


@pytest.mark.parametrize("key", ["", "schlüssel", " a", "a\nb", "k" * 256])
def test_a_key_that_no_header_brings_is_not_tried(mute, key):
    server = mute(hangs_up=True)
    with Client(server.url) as client, pytest.raises(ValueError, match="header"):
        client.counter.get_or_create("main").send("increment", idempotency_key=key)
    assert server.requests == 0


def test_a_wait_for_a_message_ends_where_the_service_says_nothing(mute):
    client = Client(mute().url, timeout=0.3)
    begun = time.monotonic()
    with pytest.raises(Unreachable):
        client.counter.get_or_create("main").wait_for("0" * 32, timeout=60)
    assert time.monotonic() - begun < 3


def test_threads_that_come_first_share_one_pool():
    client = Client("http://127.0.0.1:1/")
    together, pools = threading.Barrier(16), []

    def come():
        together.wait()
        pools.append(client._transport.sync_pool)

    threads = [threading.Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pools) == 16
    assert len(set(map(id, pools))) == 1
    client.close()


@pytest.mark.parametrize("metadata", [["a", "list"], "text", 7, None])
def test_metadata_of_another_form_hides_no_error(mute, metadata):
    said = {"group": "queue", "code": "full", "message": "It is full.", "metadata": metadata}
    server = mute(says=answer(429, said))
    with Client(server.url) as client, pytest.raises(QueueFull, match=r"It is full\.") as caught:
        client.counter.get_or_create("main").send("increment")
    assert caught.value.metadata == {}


def test_metadata_may_have_any_names(mute):
    metadata = {"message": "inner", "self": 1, "status": "odd", "depth": 3}
    said = {"group": "shop", "code": "closed", "message": "Come back on Monday.", "metadata": metadata}
    server = mute(says=answer(409, said))
    with Client(server.url) as client, pytest.raises(RemoteError, match="Monday") as caught:
        client.counter.get_or_create("main").send("increment")
    assert caught.value.wire_code == "shop.closed"
    assert caught.value.metadata == {**metadata, "wire_code": "shop.closed", "status": 409}
    assert pickle.loads(pickle.dumps(caught.value)).wire_code == "shop.closed"


@pytest.mark.parametrize(
    "odd",
    [
        answer(200, b"<p>Log in</p>", "text/html"),
        answer(200, {"hello": 1}),
        answer(302, {}),
        answer(200, ["x"]),
    ],
    ids=["a page", "other JSON", "a redirection", "a list"],
)
def test_an_answer_that_is_none_of_the_api_is_an_error_that_says_so(mute, odd):
    with Client(mute(says=odd).url) as client, pytest.raises(RemoteError, match="with status"):
        client.counter.get_or_create("main").send("increment")
