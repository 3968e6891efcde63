"""How listening goes on, or ends, where sockets are lost: the service says what a test has written down."""

import asyncio
import time

import pytest

from actorqueues import Forbidden
from actorqueues.remote import Client, RemoteError, Standing, Unreachable
from tests.fixtures.ports import free_port
from tests.fixtures.workers import PATIENCE
from tests.remote.script import Script

HELLO = {
    "type": "hello",
    "version": 1,
    "user": None,
    "heartbeat": 25000,
    "max_bytes": 65536,
    "retention": 600000,
}
SUBSCRIBED = {"type": "subscribed", "id": 1, "actor": "parrot", "key": ["x"], "number": 7, "generation": 2}


def said(number):
    where = {
        "type": "event",
        "actor": "parrot",
        "key": ["x"],
        "event": "said",
        "message": None,
        "user": False,
    }
    return {**where, "number": number, "data": f"word {number}"}


@pytest.fixture
def script(request):
    def write(*parts):
        written = Script(*parts)
        request.addfinalizer(written.close)
        return Client(f"http://{written.address}/api/actors").parrot.get_or_create("x"), written

    return write


def test_a_service_that_is_not_there_is_unreachable_in_time():
    client = Client(f"http://127.0.0.1:{free_port()}/api/actors", timeout=1)
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="refused"):
        next(client.parrot.get_or_create("x").listen())
    assert 0.9 < time.monotonic() - begun < 4


def test_nobody_listens_for_longer_than_was_asked(script):
    parrot, _ = script([HELLO, SUBSCRIBED, None])
    begun = time.monotonic()
    assert list(parrot.listen(timeout=0.5)) == [Standing(7)]

    async def main():
        return [one async for one in parrot.alisten(timeout=0.5)]

    assert asyncio.run(main()) == [Standing(7)]
    assert time.monotonic() - begun < 5


def test_a_service_that_falls_silent_is_connected_to_again(script):
    quiet = {**HELLO, "heartbeat": 100}
    parrot, written = script([quiet, SUBSCRIBED, said(8), None], [HELLO, SUBSCRIBED, said(9), None])
    heard = parrot.listen(timeout=PATIENCE)
    assert [next(heard).number for _ in range(3)] == [7, 8, 9]
    heard.close()
    assert written.asked[0] == {"type": "subscribe", "id": 1, "actor": "parrot", "key": ["x"]}
    assert written.asked[1] == {**written.asked[0], "after": 8, "generation": 2}


def test_a_service_that_cannot_now_is_asked_again(script):
    away = {"group": "database", "code": "unavailable", "message": "Try again soon.", "metadata": {}}
    parrot, written = script(
        [HELLO, {"type": "error", "id": 1, "error": away}, None],
        [HELLO, {"type": "error", "id": None, "error": away}, 4503],
        [HELLO, SUBSCRIBED, None],
    )
    heard = parrot.listen(timeout=PATIENCE)
    assert next(heard) == Standing(7)
    heard.close()
    assert len(written.asked) == 3


def test_a_session_that_ends_ends_the_listening(script):
    parrot, written = script([HELLO, SUBSCRIBED, 4401])
    with pytest.raises(RemoteError) as caught:
        list(parrot.listen(timeout=PATIENCE))
    assert caught.value.wire_code == "auth.session_ended"
    assert len(written.asked) == 1


def test_a_permission_that_ends_ends_the_listening(script):
    error = {"group": "auth", "code": "forbidden", "message": "No longer.", "metadata": {}}
    ended = {"type": "unsubscribed", "actor": "parrot", "key": ["x"], "error": error}
    parrot, _ = script([HELLO, SUBSCRIBED, said(8), ended, None])
    heard = parrot.listen(timeout=PATIENCE)
    assert [next(heard).number for _ in range(2)] == [7, 8]
    with pytest.raises(Forbidden, match="No longer"):
        next(heard)
