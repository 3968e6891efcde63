"""The database goes away while somebody waits for a reply. Real servers behind a proxy; worker and test have ways of
their own to it."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from actorqueues.models import Deduplication, Message, Outcome, Wake
from tests.api.test_servers import SERVERS, Server
from tests.fixtures.backends import only_postgresql
from tests.fixtures.ports import free_port
from tests.processes.evidence import QUICK, eventually

QUEUE = "/api/actors/tally/main/queue/increment/"
BODY = {"body": {"amount": 1}}
pytestmark = only_postgresql


@pytest.fixture(params=[*SERVERS, "wsgi"])
def place(request, backend, worker_process, proxy):
    """The address of a queue, at a server that reaches its database through the proxy."""
    if request.param != "wsgi":
        address = Server(worker_process, request.param, route=proxy.address).address
    else:
        port = free_port()
        worker_process.module("tests.api.wsgi", port, settings=QUICK, route=proxy.address)
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(address))
    return f"{address}{QUEUE}"


def answers(address):
    try:
        return httpx.get(f"{address}/api/actors/", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as threads:
        yield threads


def ask(place, timeout, key=None):
    headers = {} if key is None else {"Idempotency-Key": key}
    request = {**BODY, "wait": True, "timeout": timeout}
    return httpx.post(place, json=request, headers=headers, timeout=120)


def stored():
    """Messages, and actors to be looked at for them."""
    return Message.objects.count(), Wake.objects.count()


def has_sent():
    """Somebody waits: the message is stored, and the answer to its commit, seen here before, is there too."""
    eventually(lambda: stored() == (1, 1))
    time.sleep(0.5)


def told(answer):
    error = answer.json()
    assert set(error) == {"group", "code", "message", "metadata"}
    assert answer.headers["Retry-After"] == "1"
    return answer.status_code, f"{error['group']}.{error['code']}"


def test_who_waits_gets_the_reply_when_the_database_is_back(place, worker_process, proxy, threads):
    waiting = threads.submit(ask, place, 90_000)
    has_sent()
    with proxy.refusing():
        assert told(ask(place, 1000)) == (503, "database.unavailable")
        assert told(httpx.post(place, json=BODY, timeout=30)) == (503, "database.unavailable")
        assert stored() == (1, 1)
        worker_process("--no-supervise", settings=QUICK)
        eventually(lambda: Outcome.objects.exists() and not Message.objects.exists())
        assert not waiting.done()
    answer = waiting.result(60)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert ask(place, 60_000).json()["response"] == {"value": 2}


def test_a_wait_that_ends_meanwhile_times_out_and_its_reply_is_collected_later(
    place, worker_process, proxy, threads
):
    waiting = threads.submit(ask, place, 2000)
    has_sent()
    with proxy.refusing():
        answer = waiting.result(60)
    sent = answer.json()
    assert (answer.status_code, sent["status"], sent["response"]) == (200, "timedOut", None)
    assert stored() == (1, 1)
    worker_process("--no-supervise", settings=QUICK)
    where = place.replace("queue/increment", f"messages/{sent['id']}")
    found = eventually(lambda: (now := httpx.get(where).json())["status"] == "completed" and now)
    assert found["response"] == {"value": 1}


def test_a_send_whose_commit_is_not_known_is_whole_and_its_repeat_waits_for_it(
    place, worker_process, proxy, threads
):
    httpx.post(place, json=BODY, timeout=30)  # so that nothing else is on its way
    proxy.lose_answers("COMMIT")
    assert told(ask(place, 60_000, key="k")) == (503, "database.unavailable")
    assert proxy.is_done
    assert (Message.objects.count(), Deduplication.objects.count()) == (2, 1)
    waiting = threads.submit(ask, place, 90_000, key="k")
    worker_process("--no-supervise", settings=QUICK)
    assert waiting.result(100).json()["response"] == {"value": 2}
    assert ask(place, 60_000).json()["response"] == {"value": 3}
