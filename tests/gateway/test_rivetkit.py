"""The unmodified npm package against a real server and a real worker."""

import subprocess
import time
from contextlib import contextmanager

import pytest
from django.contrib.auth import get_user_model

from tests.fixtures.workers import eventually
from tests.gateway.actors import Gated, Mirror
from tests.gateway.rivetkit import run_client
from tests.gateway.serving import SETTINGS


@pytest.fixture
def endpoint(worker_process, start_server):
    """Of a daphne with a worker beside it."""
    worker_process(env=SETTINGS, settings={"POLL_INTERVAL": 0.2})
    return f"http://{start_server()}/rivet"


def test_rivet_s_own_client_reaches_django_actors(backend, rivetkit, endpoint):
    Gated.create("g")
    user = get_user_model().objects.create(username="ada")
    told = run_client(rivetkit, endpoint, "addresses")
    assert told["first"] == {"status": "completed", "response": {"value": 15}}
    see_addresses(told)
    see_sending(run_client(rivetkit, endpoint, "sending"))
    see_actions(run_client(rivetkit, endpoint, "actions"))
    see_errors(run_client(rivetkit, endpoint, "errors"))
    see_people(run_client(rivetkit, endpoint, "people", str(user.pk)), str(user.pk))
    see_encodings(run_client(rivetkit, endpoint, "encodings"))


def see_addresses(told):
    def value_of(number):
        return {"status": "completed", "response": {"value": number}}

    assert told["first"] == value_of(15)
    assert told["who"] == ["main", "x/y"]
    assert told["got"] == value_of(16)
    assert told["gotId"] == told["id"]
    assert told["forId"] == value_of(17)
    assert told["created"] == value_of(101)
    assert refusal_of(told["createdAgain"]) == "actor.already_exists"
    assert (told["noParts"], told["text"], told["resolvedUnused"]) == ([], ["text"], ["unused"])
    assert refusal_of(told["absent"]) == "actor.not_found"


def see_sending(told):
    assert told["noWait"]["type"] == "undefined"
    assert told["wait"] == {"status": "completed", "response": {"value": 2}}
    assert told["timedOut"] == {"status": "timedOut"}
    assert told["noReply"] == {"status": "completed"}
    assert told["many"] == list(range(20))
    assert told["same"] == [True] * 8
    assert told["bigint"] == {"type": "BigInt", "text": str(2**64)}
    assert (told["bytes"], told["buffer"]) == ([0, 251, 255], [1, 2])


def see_actions(told):
    assert (told["read"], told["tripled"]) == (7, 21)
    assert told["kinds"] == {
        "large": {"type": "BigInt", "text": str(2**70)},
        "bytes": ["Uint8Array", 0, 255],
        "pair": ["$BigInt", "7"],
        "set": [1],
    }
    assert told["bigint"] == {"type": "BigInt", "text": str(-(2**60))}
    assert told["bytes"] == [7, 8]
    assert told["object"] == {"a": [["$x", 1]]}


def see_errors(told):
    assert {name: refusal_of(error) for name, error in told.items()} == {
        "failed": "queue.message_failed",
        "body": "queue.message_invalid",
        "queue": "queue.unknown",
        "action": "actor.action_not_found",
        "arguments": "request.invalid",
        "type": "actor.unknown_type",
        "large": "queue.message_too_large",
        "broken": "internal.error",
        "absent": "actor.not_found",
    }
    assert "not today" in told["failed"]["message"]
    assert told["body"]["metadata"] == {
        "queue": "step",
        "problem": told["body"]["metadata"]["problem"],
        "path": ["amount"],
    }
    assert 'Did you mean "step"?' in told["queue"]["message"]


def see_people(told, user):
    assert told["hello"] == told["helloForId"] == told["header"] == f"hello {user}"
    assert refusal_of(told["wrongKey"]) == "auth.forbidden"
    assert refusal_of(told["nobody"]) == refusal_of(told["noParams"]) == "auth.not_authenticated"
    assert told["params"] == {}


def see_encodings(told):
    for encoding in ("bare", "cbor"):
        assert refusal_of(told[encoding]) == "request.encoding_not_supported"
        assert 'encoding: "json"' in told[encoding]["message"]


def refusal_of(error):
    assert "value" not in error, error
    return f"{error['group']}.{error['code']}"


def test_rivet_s_own_client_connects_and_hears_events(backend, rivetkit, endpoint):
    get_user_model().objects.create(username="ada")
    told = run_client(rivetkit, endpoint, "connection")
    assert told["read"] == 22
    assert refusal_of(told["refused"]) == "actor.action_not_found"
    assert told["events"] == [6, 8, 11]
    assert told["status"] == "connected"
    assert told["wait"] == [0.2, 0.1, {"type": "BigInt", "text": str(3**40)}]
    assert told["progress"] == {"done": 1, "total": 2, "note": "for you", "attempt": 1}
    assert told["all"] == {"type": "BigInt", "text": str(2**60)}
    assert told["mine"] == ["for you"]
    assert told["shouted"] == [["$x", "hey"]]
    assert told["byId"] == ["live"]


def test_rivet_s_own_client_is_told_why_it_may_not_connect(backend, rivetkit, endpoint):
    Gated.create("g")
    told = run_client(rivetkit, endpoint, "refusedConnections")
    assert refusal_of(told["nobody"]) == refusal_of(told["params"]) == "auth.not_authenticated"
    assert refusal_of(told["unexposed"]) == "actor.unknown_type"
    assert told["letIn"] == "connected"
    assert told["hiddenEvents"] == ["auth.forbidden", "connected"]
    for encoding in ("bare", "cbor"):
        assert refusal_of(told[encoding]) == "request.encoding_not_supported"
        assert 'encoding: "json"' in told[encoding]["message"]


def test_rivet_s_own_client_connects_again_after_its_actor_was_destroyed(
    backend, rivetkit, endpoint, tmp_path
):
    log = tmp_path / "listening.log"
    with listening_client(rivetkit, endpoint, log) as said:
        said("echo listening")
        Mirror.get("listening").destroy()
        said("status connecting\nstatus connected")
        eventually(lambda: shout_is_heard(log), timeout=20)
    assert 'heard ["$x","again"]' in log.read_text()


def shout_is_heard(log):
    """It subscribes again a moment after it has connected."""
    Mirror.get("listening").call(Mirror.shout, "again")
    time.sleep(0.2)
    return 'heard ["$x","again"]' in log.read_text()


@contextmanager
def listening_client(directory, endpoint, log):
    command = ["node", "client.mjs", endpoint, "listen"]
    with log.open("wb") as output:
        client = subprocess.Popen(command, cwd=directory, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield lambda text: eventually(lambda: text in log.read_text(), timeout=20)
    finally:
        print(log.read_text())
        client.kill()
        client.wait()
