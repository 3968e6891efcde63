"""``POST …/queue/{name}``: what Rivet's client sends, and what it is told."""

import json

import pytest

from actorqueues.models import ActorInstance, ActorStatus, Message, Wake
from tests.fixtures.workers import eventually
from tests.gateway.actors import Gauge, Mirror, Silent
from tests.gateway.conftest import refused

UNREADABLE = ("$Date", "not JSON", "NaN", "UTF-8", "deep")


def completed(response):
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/json"
    return response.json()


def test_a_send_without_wait_is_stored_and_completed_at_once(gateway):
    assert completed(gateway.send("rivet.gauge", "step", {"amount": 1}, key=("main", "x/y"))) == {
        "status": "completed"
    }
    stored = Message.objects.get()
    assert (stored.queue, json.loads(stored.body)) == ("step", {"amount": 1})
    assert stored.actor_id == Gauge.get(("main", "x/y"))._target.actor_id


def test_a_send_with_wait_gives_the_reply(gateway, start_worker):
    start_worker()
    for value in (2, 4):
        answer = completed(gateway.send("rivet.gauge", "step", {"amount": 2}, wait=True, timeout=8000))
        assert answer == {"status": "completed", "response": {"value": value}}


def test_a_completion_without_a_reply_has_no_response(gateway, start_worker):
    start_worker()
    assert completed(gateway.send("rivet.mirror", "ring", wait=True, timeout=8000)) == {"status": "completed"}


@pytest.mark.parametrize("timeout", [0, 50, 50.5])
def test_nobody_who_receives_is_a_timeout_that_is_no_error(gateway, timeout):
    answer = completed(gateway.send("rivet.silent", "letters", "x", wait=True, timeout=timeout))
    assert answer == {"status": "timedOut"}
    assert Message.objects.count() == 1


def test_a_wait_without_a_timeout_lasts_as_long_as_the_project_says(gateway, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "WAIT_TIMEOUT": 0.1}
    assert completed(gateway.send("rivet.silent", "letters", "x", wait=True)) == {"status": "timedOut"}


def test_a_message_that_fails_is_an_error_with_its_reason(gateway, start_worker):
    start_worker()
    response = gateway.send("rivet.mirror", "refuse", "not today", wait=True, timeout=8000)
    error = refused(response, 400, "queue.message_failed")
    assert "not today" in error["message"]
    assert error["metadata"]["message_id"]


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ({"n": ["$BigInt", "9007199254740993"]}, {"n": ["$BigInt", "9007199254740993"]}),
        (["$$BigInt", "1"], ["$$BigInt", "1"]),
        (["$Uint8Array", "AP8="], "AP8="),
        ({"gone": ["$Undefined", 0], "set": ["$Set", [1, 2]]}, {"set": [1, 2]}),
        ("ü\u2028", "ü\u2028"),
        (None, None),
    ],
)
def test_values_with_tags_reach_the_handler_and_come_back(gateway, start_worker, sent, received):
    start_worker()
    answer = completed(gateway.send("rivet.mirror", "anything", sent, wait=True, timeout=8000))
    assert answer == {"status": "completed", "response": received}


@pytest.mark.parametrize("sent", [["$Uint8Array", "+/8A"], ["$ArrayBuffer", "+/8A"], "+/8A", "-_8A"])
def test_bytes_come_as_bytes_where_the_schema_says_so(gateway, start_worker, sent):
    start_worker()
    answer = completed(gateway.send("rivet.mirror", "binary", sent, wait=True, timeout=8000))
    assert answer["response"] == [0xFB, 0xFF, 0]


def test_the_input_is_of_the_first_send(gateway, start_worker):
    start_worker()
    for value in (42, 43):
        answer = completed(
            gateway.send("rivet.gauge", "step", {"amount": 1}, input={"start": 41}, wait=True, timeout=8000)
        )
        assert answer["response"] == {"value": value}


def test_a_send_to_get_reaches_only_what_is_there(gateway):
    refused(gateway.send("rivet.gauge", "step", {"amount": 1}, method="get"), 404, "actor.not_found")
    assert not Message.objects.exists()
    Gauge.create("a")
    completed(gateway.send("rivet.gauge", "step", {"amount": 1}, method="get"))
    assert Message.objects.count() == 1


def test_a_send_to_an_id_reaches_one_life_of_an_actor(gateway, start_worker):
    Gauge.create("a")
    actor = gateway.request("GET", "actors", name="rivet.gauge", key="a").json()["actors"][0]
    completed(gateway.send(actor["actor_id"], "step", {"amount": 1}, method=None))
    start_worker()
    Gauge.get("a").destroy()
    eventually(lambda: ActorInstance.objects.filter(status=ActorStatus.DESTROYED).exists())
    Gauge.create("a")
    for absent in (actor["actor_id"], "0" * 32 + "-1", "main"):
        refused(gateway.send(absent, "step", {"amount": 1}, method=None), 404, "actor.not_found")
    assert not Message.objects.exists()


def test_keys_have_the_parts_that_the_client_joined(gateway):
    for key in ((), ("",), ("a", "b"), ("a b/ü\\",)):
        completed(gateway.send("rivet.mirror", "anything", 1, key=key))
    keys = set(Wake.objects.values_list("key", flat=True))
    assert keys == {"/", r"\0", "a/b", r"a b\/ü" + r"\\"}


def test_a_user_s_id_travels_along(gateway, make_user):
    ada = make_user("ada")
    completed(gateway.send("rivet.mirror", "anything", 1, token="ada"))
    completed(gateway.send("rivet.mirror", "anything", 2))
    assert list(Message.objects.order_by("id").values_list("user_id", flat=True)) == [str(ada.pk), None]


@pytest.mark.parametrize(
    ("queue", "body", "status", "code"),
    [
        ("step", {"amount": "many"}, 400, "queue.message_invalid"),
        ("step", None, 400, "queue.message_invalid"),
        ("steps", {"amount": 1}, 404, "queue.unknown"),
        ("step", {"amount": 1, "note": "x" * 70_000}, 200, None),
    ],
)
def test_bodies_and_queues_that_do_not_fit(gateway, queue, body, status, code):
    response = gateway.send("rivet.gauge", queue, body)
    if code is None:
        completed(response)  # what the schema leaves out takes no room
    else:
        refused(response, status, code)
        assert not Message.objects.exists()


def test_too_large_and_too_many(gateway):
    refused(gateway.send("rivet.mirror", "anything", "x" * 70_000), 413, "queue.message_too_large")
    for _ in range(2):
        completed(gateway.send("rivet.silent", "letters", 1))
    error = gateway.send("rivet.silent", "letters", 1)
    assert refused(error, 429, "queue.full")["message"] == "Queue is full. Limit is 2 messages."
    assert error["Retry-After"]


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ({"amount": 5}, '{"body": …'),
        ({"\ud800": 5}, '{"body": …'),
        ({"body": {}, "wait": 1}, "wait"),
        ({"body": {}, "wait": True, "timeout": "5"}, "timeout"),
        ({"body": {}, "timeout": -1}, "timeout"),
        ({"body": {}, "timeout": True}, "timeout"),
        ({"body": {}, "timeout": 1e300}, "timeout"),
        ({"body": ["$Date", 1]}, "$Date"),
        ("[1]", "object"),
        ("{", "not JSON"),
        ('{"body": NaN}', "NaN"),
        (b'{"body": "\xff"}', "UTF-8"),
        ("[" * 100_000, "deep"),
        ('{"body": ' + "1" * 5000 + "}", "not JSON"),
        ("", "ASGI"),
    ],
    ids=str,
)
def test_a_request_that_is_no_send_is_told_what_is_wrong(gateway, data, hint):
    response = gateway.request(
        "POST", "gateway/rivet.mirror/queue/anything", data, **{"rvt-method": "getOrCreate", "rvt-key": "a"}
    )
    code = "request.parse_error" if hint in UNREADABLE else "request.invalid"
    assert hint in refused(response, 400, code)["message"]
    assert not Message.objects.exists()


def test_a_body_that_is_left_out_is_none(gateway):
    data = {"name": "anything", "wait": False}  # JSON.stringify leaves undefined out
    response = gateway.request(
        "POST", "gateway/rivet.mirror/queue/anything", data, **{"rvt-method": "getOrCreate", "rvt-key": "a"}
    )
    completed(response)
    assert Message.objects.get().body == "null"


def test_a_request_has_a_limit_also_where_it_does_not_tell_its_length(gateway, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    refused(gateway.send("rivet.mirror", "anything", "x" * 2000), 413, "request.too_large")
    completed(gateway.send("rivet.mirror", "anything", "x" * 100))
    assert Message.objects.get().body == f'"{"x" * 100}"'


def test_strange_addresses(gateway):
    refused(gateway.send("rivet.gauge", "step", {"amount": 1}, method="create"), 400, "request.invalid")
    refused(gateway.send("rivet.gauge", "step", {}, key=("x" * 200,)), 400, "actor.key_invalid")
    refused(gateway.send("rivet.gauge", "step", {}, key=("\0",)), 400, "actor.key_invalid")
    refused(gateway.send("rivet.gouge", "step", {}), 404, "actor.unknown_type")
    bad_input = {"rvt-method": "getOrCreate", "rvt-input": "%"}
    response = gateway.request("POST", "gateway/rivet.gauge/queue/step", {"body": {"amount": 1}}, **bad_input)
    refused(response, 400, "request.invalid")
    assert not ActorInstance.objects.exists()


def test_messages_of_the_gateway_are_those_of_the_project(gateway, start_worker):
    start_worker()
    completed(gateway.send("rivet.gauge", "step", {"amount": 5}, wait=True, timeout=8000))
    assert Gauge.get("a").ask(Gauge.step, {"amount": 1}, timeout=8).value == 6
    assert Mirror.get_or_create("a").ask(Mirror.anything, [1]) == [1]
    assert not Silent.get_or_create("a").exists()
