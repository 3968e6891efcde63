"""The Python client for other services, against a real web server and a real worker."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from pydantic import BaseModel

from actorqueues import (
    Actor,
    ActorExists,
    ActorNotFound,
    BodyInvalid,
    Completed,
    Failed,
    Forbidden,
    KeyInvalid,
    Message,
    MessageFailed,
    MessageUnknown,
    Queue,
    QueueFull,
    Reject,
    ReplyTimedOut,
    TimedOut,
    UnknownActor,
    UnknownQueue,
    action,
    handler,
)
from actorqueues.models import Message as StoredMessage
from actorqueues.remote import Client, RemoteError, Unreachable
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import PATIENCE
from tests.remote.lossy import Lossy

# The way to the service does not depend on its database.
pytestmark = [pytest.mark.usefixtures("empty_registry"), only_sqlite]


class Increment(BaseModel):
    amount: int = 1


@pytest.fixture
def counter(empty_registry):
    class Counter(Actor):
        exposed = True
        initial_state = {"value": 0}
        later = Queue(int, max_depth=2)

        async def run(self) -> None:
            await self.serve_handlers()

        @handler
        def increment(self, body: Increment) -> int:
            self.state["value"] += body.amount
            return self.state["value"]

        @handler
        def refuse(self, body: str, message: Message) -> None:
            raise Reject(f"not {body}")

        @action(safe=True)
        def times(self, factor: int, plus: int = 0) -> int:
            return self.state["value"] * factor + plus

    return Counter


@pytest.fixture
def client(backend, live_server):
    with Client(f"{live_server.url}/api/actors") as client:
        yield client


def test_a_message_is_sent_and_its_reply_comes_back(counter, client, start_worker):
    start_worker()
    handle = client.counter.get_or_create(("shop", "a/b"))
    result = handle.send("increment", {"amount": 5}, wait=True, timeout=PATIENCE)
    assert result == Completed(result.id, 5)
    assert handle.ask("increment", timeout=PATIENCE, body={"amount": 2}) == 7
    assert counter.get_or_create(("shop", "a/b")).get_state() == {"value": 7}


def test_queues_are_attributes_and_keys_lists_as_in_the_browser(counter, client, start_worker):
    start_worker()
    handle = client.counter.get_or_create(["shop", 7])
    assert handle.key == ("shop", "7")
    assert handle.queue.increment.send({"amount": 1}).id
    result = handle.queue.increment.send({"amount": 2}, wait=True, timeout=PATIENCE)
    assert result == Completed(result.id, 3)
    assert handle.queue["increment"].ask({"amount": 3}, timeout=PATIENCE) == 6
    assert counter.get_or_create(("shop", 7)).get_state() == {"value": 6}

    async def work():
        async with Client(client.url) as mine:
            queue = mine.counter.get_or_create(["shop", 7]).queue.increment
            receipt = await queue.asend({"amount": 4})
            return receipt, await queue.aask({"amount": 5}, timeout=PATIENCE)

    assert asyncio.run(work())[1] == 15
    with pytest.raises(UnknownQueue, match='Did you mean "increment"'):
        handle.queue.incremet.send({})
    with pytest.raises(KeyInvalid):
        client.counter.get_or_create([None])


def test_types_that_are_called_as_the_client_s_own_names_have_handles_too(backend, live_server, start_worker):
    class Url(Actor):
        exposed = True

        @handler
        def shorten(self, body: str) -> str:
            return body[:5]

    start_worker()
    with Client(f"{live_server.url}/api/actors") as client:
        assert client.actor("url", ["main"]).ask("shorten", "https://", timeout=PATIENCE) == "https"


def test_async_code_has_twins(counter, client, start_worker):
    start_worker()

    async def work():
        async with Client(client.url) as mine:
            handle = mine.counter.get_or_create("main")
            values = [await handle.aask("increment", {"amount": n}, timeout=PATIENCE) for n in (1, 2)]
            receipt = await handle.asend("increment", {"amount": 3})
            values.append((await handle.await_for(receipt, timeout=PATIENCE)).response)
            return [*values, await handle.acall("times", 2, plus=1), await handle.aget_state()]

    assert asyncio.run(work()) == [1, 3, 6, 13, {"value": 6}]


def test_a_message_that_is_not_waited_for_can_be_asked_about_later(counter, client, start_worker):
    handle = client.counter.get_or_create("main")
    receipt = handle.send("increment", {"amount": 4})
    assert handle.status(receipt) == TimedOut(receipt.id)
    assert handle.wait_for(receipt.id, timeout=0.1) == TimedOut(receipt.id)
    start_worker()
    assert handle.wait_for(receipt, timeout=PATIENCE) == Completed(receipt.id, 4)
    assert handle.status(receipt.id).response == 4


def test_what_fails_and_what_takes_too_long_are_told_apart(counter, client, start_worker):
    handle = client.counter.get_or_create("main")
    with pytest.raises(ReplyTimedOut):
        handle.ask("increment", {"amount": 1}, timeout=0.05)
    start_worker()
    result = handle.send("refuse", "today", wait=True, timeout=PATIENCE)
    assert result == Failed(result.id, "not today")
    with pytest.raises(MessageFailed, match="not today"):
        handle.ask("refuse", "today", timeout=PATIENCE)


def test_a_delayed_message_can_be_taken_back(counter, client):
    handle = client.counter.get_or_create("main")
    receipt = handle.send("increment", {"amount": 1}, delay=3600)
    assert StoredMessage.objects.get().scheduled_at is not None
    assert handle.cancel(receipt) is True
    assert not StoredMessage.objects.exists()


def test_refusals_are_raised_as_what_they_are(counter, client):
    handle = client.counter.get_or_create("main")
    with pytest.raises(BodyInvalid, match="amount"):
        handle.send("increment", {"amount": "many"})
    with pytest.raises(UnknownQueue, match='Did you mean "increment"'):
        handle.send("incremet", {})
    with pytest.raises(UnknownActor):
        client.nobody.get_or_create("main").send("increment", {})
    with pytest.raises(MessageUnknown):
        handle.status("0" * 32)
    for number in range(2):
        handle.send("later", number)
    with pytest.raises(QueueFull):
        handle.send("later", 3)
    with pytest.raises(RemoteError) as caught:
        handle.send("increment", {"amount": 1}, delay=1e12)
    assert caught.value.wire_code == "request.invalid"
    with pytest.raises(TypeError, match="headers"):
        handle.send("increment", {"amount": 1}, headers={})


def test_a_state_that_is_not_shown_is_no_empty_one(empty_registry, client):
    class Secret(Actor):
        exposed = ["tell"]

        @handler
        def tell(self, body: str) -> None: ...

    handle = client.secret.get_or_create("main")
    with pytest.raises(ActorNotFound):
        handle.get_state()
    handle.create()
    with pytest.raises(ActorExists):
        handle.create()
    with pytest.raises(Forbidden, match="does not show"):
        handle.get_state()
    with pytest.raises(Forbidden):
        handle.destroy()  # that is for staff


def test_what_is_no_api_is_an_error_that_says_so(backend, live_server):
    with Client(f"{live_server.url}/nothing/here") as client, pytest.raises(RemoteError, match="404"):
        client.counter.get_or_create("main").get_state()


def test_an_id_leads_to_messages_only(counter, client):
    handle = client.counter.get_or_create("main")
    handle.create()
    for wrong in ("..", ".", "", "x/../.."):
        with pytest.raises(ValueError, match="no name"):
            handle.cancel(wrong)
    with pytest.raises(MessageUnknown):
        handle.status("who?state=1")


def test_blocking_code_on_an_event_loop_is_told_of_its_own_twin(counter, client):
    async def work():
        client.counter.get_or_create("main").call("times", 2)

    with pytest.raises(SynchronousOnlyOperation, match="await acall"):
        asyncio.run(work())


def test_a_lost_answer_is_asked_for_again_and_nothing_is_sent_twice(counter, client, live_server, request):
    way = Lossy(live_server.url, losses=2)
    request.addfinalizer(way.close)
    with Client(f"{way.url}/api/actors") as mine:
        receipt = mine.counter.get_or_create("main").send("increment", {"amount": 5})
    assert way.requests == 3
    assert StoredMessage.objects.get().uid.hex == receipt.id


def test_a_later_try_waits_only_for_what_is_left(counter, live_server, backend, request):
    way = Lossy(live_server.url, losses=1)
    request.addfinalizer(way.close)
    with Client(f"{way.url}/api/actors") as mine:
        result = mine.counter.get_or_create("main").send("increment", {"amount": 5}, wait=True, timeout=1)
    assert result == TimedOut(result.id)
    first, second = (body["timeout"] for body in way.bodies)
    assert second == 0 < first <= 1000


def test_what_cannot_be_repeated_is_not_tried_again(counter, backend, live_server, request):
    way = Lossy(live_server.url, losses=1)
    request.addfinalizer(way.close)
    counter.create("main")
    with Client(f"{way.url}/api/actors") as mine, pytest.raises(Unreachable):
        mine.counter.get_or_create("main").call("times", 2)
    assert way.requests == 1


def test_a_service_that_is_not_there_is_told_after_some_tries(backend):
    with Client("http://127.0.0.1:1/api/actors") as client, pytest.raises(Unreachable, match="refused"):
        client.counter.get_or_create("main").send("increment", {})


def test_a_process_without_a_django_project_is_enough(counter, client, start_worker):
    start_worker()
    script = Path(__file__).with_name("without_django.py")
    nothing_of_django = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
    done = subprocess.run(
        [sys.executable, script, client.url],
        env=nothing_of_django,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert 'Did you mean "increment"' in done.stdout
    assert "not that" in done.stdout
