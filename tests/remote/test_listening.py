"""Events and progress of another service's actors: a real daphne, a real worker, and connections that are lost."""

import asyncio

import pytest

from actorqueues import Forbidden, MessageUnknown, UnknownActor
from actorqueues.models import Event as StoredEvent
from actorqueues.remote import Client, Event, RemoteError, Standing
from tests.consumers.actors import Parrot
from tests.consumers.conftest import log_in as log_in
from tests.consumers.conftest import only_these_actors as only_these_actors
from tests.consumers.conftest import server as server
from tests.consumers.conftest import start_server as start_server
from tests.consumers.way import Way
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import PATIENCE

# The way to the service does not depend on its database.
pytestmark = only_sqlite


@pytest.fixture
def client(server):
    with Client(f"http://{server}/api/actors") as client:
        yield client


def test_events_are_heard_from_where_listening_begins(client, start_worker):
    start_worker()
    parrot = client.parrot.get_or_create(["x"])
    parrot.ask("say", "before", timeout=PATIENCE)
    heard = parrot.listen("said", timeout=PATIENCE)
    assert next(heard) == Standing(1)
    receipt = parrot.queue.say.send("hello")
    assert next(heard) == Event(2, "said", "hello", receipt.id)
    parrot.call("whisper", "psst")  # of another name
    parrot.send("say", "bye")
    assert next(heard).data == "bye"
    heard.close()
    again = parrot.listen(after=2, timeout=PATIENCE)
    assert next(again).data == "bye"
    again.close()


def test_what_was_said_while_the_connection_was_lost_is_heard_once(server, start_worker):
    start_worker()
    parrot = Parrot.get_or_create("x")
    way = Way(server)

    async def main():
        async with Client(f"http://{way.address}/api/actors") as client:
            heard = client.parrot.get_or_create("x").alisten(timeout=PATIENCE)
            assert await anext(heard) == Standing(0)
            for number in range(1, 7, 2):
                await parrot.asend("say", f"word {number}")
                assert (await anext(heard)).number == number
                with way.closed():
                    await parrot.aask("say", f"word {number + 1}", timeout=PATIENCE)
                assert (await anext(heard)).data == f"word {number + 1}"
            await heard.aclose()

    asyncio.run(main())
    assert way.taken > 3
    way.close()


def test_where_too_much_was_missed_the_listener_is_told_to_load_the_state(client, start_worker):
    start_worker()
    parrot = client.parrot.get_or_create("x")
    for word in "abcd":
        parrot.ask("say", word, timeout=PATIENCE)
    StoredEvent.objects.filter(number__lte=3).delete()
    heard = parrot.listen(after=1, timeout=PATIENCE)
    assert next(heard) == Standing(3)
    assert next(heard).data == "d"
    heard.close()


def test_progress_is_followed_until_the_message_is_settled(client, start_worker):
    start_worker()
    parrot = client.parrot.get_or_create("x")
    receipt = parrot.send("pack", 8)
    reports = list(parrot.follow(receipt, timeout=PATIENCE))
    assert (reports[-1].done, reports[-1].total, reports[-1].note) == (8, 8, "packing")
    assert [report.done for report in reports] == sorted({report.done for report in reports})
    assert parrot.status(receipt).response == "packed"

    async def later():
        async with Client(client.url) as mine:
            following = mine.parrot.get_or_create("x").afollow(receipt.id, timeout=PATIENCE)
            return [report.done async for report in following]

    assert asyncio.run(later()) == [8]
    with pytest.raises(MessageUnknown):
        list(parrot.follow("0" * 32))


def test_who_is_not_let_in_is_told_so(client, server, log_in):
    with pytest.raises(UnknownActor):
        next(client.vault.get_or_create("x").listen())
    with pytest.raises(RemoteError) as caught:
        next(client.diary.get_or_create("7").listen())
    assert caught.value.wire_code == "auth.not_authenticated"
    user, session = log_in("anna")
    with Client(client.url, headers={"Cookie": f"sessionid={session}"}) as known:
        with pytest.raises(Forbidden):
            next(known.diary.get_or_create("of somebody else").listen())
        heard = known.diary.get_or_create(user.pk).listen(timeout=PATIENCE)
        assert next(heard) == Standing(0)
        heard.close()


def test_a_service_without_sockets_says_so(backend, live_server):
    client = Client(f"{live_server.url}/api/actors")
    with pytest.raises(RemoteError, match="404"):
        next(client.parrot.get_or_create("x").listen())

    async def main():
        await anext(client.parrot.get_or_create("x").alisten())

    with pytest.raises(RemoteError, match="404"):
        asyncio.run(main())


def test_pings_are_answered(start_server, start_worker):
    server = start_server(settings={"WEBSOCKET_HEARTBEAT": 0.3, "WEBSOCKET_PATIENCE": 0.8})
    start_worker()
    way = Way(server)
    with Client(f"http://{way.address}/api/actors") as client:
        heard = client.parrot.get_or_create("x").listen(timeout=2)
        assert list(heard) == [Standing(0)]
    assert way.taken == 1
    way.close()
