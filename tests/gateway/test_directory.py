"""``GET``, ``PUT``, ``POST`` and ``DELETE actors``"""

import time

import pytest

from actorqueues.models import ActorInstance, ActorStatus
from tests.fixtures.workers import eventually
from tests.gateway.actors import Gauge, Unexposed
from tests.gateway.conftest import refused


def found(response):
    assert response.status_code == 200, response.content
    return response.json()["actors"]


def test_create_makes_an_actor_once(gateway):
    before = time.time()
    actor = gateway.create("rivet.gauge", r"main/x\/y", input={"start": 4}).json()["actor"]
    assert (actor["name"], actor["key"], actor["namespace_id"]) == ("rivet.gauge", r"main/x\/y", "default")
    assert actor["runner_name_selector"] == "default"
    assert before - 60 < actor["create_ts"] / 1000 < time.time() + 60
    assert ActorInstance.objects.get().input == '{"start":4}'
    refused(gateway.create("rivet.gauge", r"main/x\/y"), 409, "actor.already_exists")


def test_get_or_create_makes_it_or_finds_it(gateway):
    first = gateway.create("rivet.gauge", "a", method="PUT", input={"start": 4}).json()
    second = gateway.create("rivet.gauge", "a", method="PUT", input={"start": 5}).json()
    assert (first["created"], second["created"]) == (True, False)
    assert first["actor"] == second["actor"]
    assert ActorInstance.objects.get().input == '{"start":4}'


def test_an_actor_is_found_by_key_and_by_id(gateway):
    actor = gateway.create("rivet.gauge", "a").json()["actor"]
    assert found(gateway.request("GET", "actors", name="rivet.gauge", key="a")) == [actor]
    assert found(gateway.request("GET", "actors", actor_ids=actor["actor_id"])) == [actor]
    assert found(gateway.request("GET", "actors", actor_ids=f"nonsense,{actor['actor_id']}")) == [actor]
    assert found(gateway.request("GET", "actors", name="rivet.gauge", key="b")) == []


def test_an_actor_that_has_only_mail_has_an_id_that_is_good(gateway):
    gateway.send("rivet.gauge", "step", {"amount": 1})
    (actor,) = found(gateway.request("GET", "actors", name="rivet.gauge", key="a"))
    assert gateway.send(actor["actor_id"], "step", {"amount": 1}, method=None).status_code == 200


def test_the_key_of_no_parts(gateway):
    actor = gateway.create("rivet.gauge", "/").json()["actor"]
    assert actor["key"] == "/"
    assert Gauge.get(()).exists()


def test_what_is_not_exposed_is_not_there(gateway):
    handle = Unexposed.create("a")
    public = f"{handle._target.actor_id.hex}-1"
    assert found(gateway.request("GET", "actors", actor_ids=public)) == []
    refused(gateway.request("GET", "actors", name="rivet.unexposed", key="a"), 404, "actor.unknown_type")
    refused(gateway.create("rivet.unexposed", "b"), 404, "actor.unknown_type")
    refused(gateway.send("rivet.unexposed", "notes", "x"), 404, "actor.unknown_type")
    refused(gateway.send(public, "notes", "x", method=None), 404, "actor.not_found")
    refused(gateway.request("DELETE", f"actors/{public}"), 404, "actor.not_found")


def test_staff_lists_and_destroys(gateway, make_user, start_worker):
    make_user("eve")
    make_user("root", is_staff=True)
    actor = gateway.create("rivet.gauge", "a").json()["actor"]
    address = f"actors/{actor['actor_id']}"
    for token, status, code in ((None, 401, "auth.not_authenticated"), ("eve", 403, "auth.forbidden")):
        refused(gateway.request("GET", "actors", name="rivet.gauge", token=token), status, code)
        refused(gateway.request("DELETE", address, token=token), status, code)
    assert found(gateway.request("GET", "actors", name="rivet.gauge", token="root")) == [actor]
    assert gateway.request("DELETE", address, token="root").json() == {}
    start_worker()
    eventually(lambda: not Gauge.get("a").exists())
    assert found(gateway.request("GET", "actors", name="rivet.gauge", token="root")) == []
    refused(gateway.request("DELETE", address, token="root"), 404, "actor.not_found")


def test_an_actor_that_is_being_destroyed_is_not_made_meanwhile(gateway):
    gateway.create("rivet.gauge", "a")
    ActorInstance.objects.update(status=ActorStatus.DESTROYING)
    error = refused(gateway.create("rivet.gauge", "a", method="PUT"), 404, "actor.not_found")
    assert "being destroyed" in error["message"]
    refused(gateway.create("rivet.gauge", "a"), 409, "actor.already_exists")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"name": "rivet.gauge"}, "request.invalid"),
        ({"name": "rivet.gauge", "key": ["a"]}, "request.invalid"),
        ({"name": "rivet.gauge", "key": "a", "input": 5}, "request.invalid"),
        ({"name": "rivet.gauge", "key": "a", "input": "%"}, "request.invalid"),
        ({"name": "rivet.gauge", "key": "a\\"}, "actor.key_invalid"),
        ({"name": "rivet.gauge", "key": ""}, "actor.key_invalid"),
        ({"name": "rivet.gauge", "key": "\ud800"}, "actor.key_invalid"),
    ],
    ids=repr,
)
def test_a_request_that_makes_no_actor(gateway, data, code):
    for method in ("PUT", "POST"):
        refused(gateway.request(method, "actors", data), 400, code)
    assert not ActorInstance.objects.exists()


def test_a_type_that_no_text_can_name(gateway):
    assert refused(gateway.create("\ud800", "a"), 404, "actor.unknown_type")
    assert not ActorInstance.objects.exists()


def test_a_question_about_no_actor(gateway):
    assert refused(gateway.request("GET", "actors"), 400, "request.invalid")
