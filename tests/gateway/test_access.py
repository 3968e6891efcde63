"""Who gets in, and by what."""

from urllib.parse import quote

import pytest

from actorqueues import __version__
from actorqueues.models import Message
from tests.gateway.actors import Gated
from tests.gateway.conftest import refused


def test_metadata_is_told_to_everybody(gateway):
    for token in (None, "nobody"):
        response = gateway.request("GET", "metadata", token=token, namespace="default")
        assert response.json() == {"runtime": "actorqueues", "version": __version__}


@pytest.mark.parametrize("encoding", ["bare", "cbor", ""])
def test_other_encodings_are_refused_with_the_one_that_is_spoken(gateway, encoding):
    headers = {"x-rivet-encoding": encoding}
    for response in (
        gateway.send("rivet.mirror", "anything", 1, headers=headers),
        gateway.call("rivet.mirror", "echo", 1, headers=headers),
    ):
        error = refused(response, 400, "request.encoding_not_supported")
        assert 'encoding: "json"' in error["message"]
    assert not Message.objects.exists()


def test_json_is_answered_whatever_is_accepted(gateway):
    response = gateway.call("rivet.mirror", "echo", 1, headers={"accept": "text/html"})
    assert response.json() == {"output": 1}


def test_the_client_s_token_comes_in_every_form(gateway, make_user):
    ada = make_user("ada/x")
    key, path = str(ada.pk), "gateway/rivet.members/action/hello"
    query = {"rvt-method": "getOrCreate", "rvt-key": key}
    for given in ({"x-rivet-token": "ada/x"}, {"authorization": "Bearer ada/x"}):
        assert gateway.request("POST", path, {"args": []}, headers=given, **query).json() == {
            "output": f"hello {key}"
        }
    in_query = gateway.request("POST", path, {"args": []}, **query, **{"rvt-token": "ada/x"})
    assert in_query.json() == {"output": f"hello {key}"}
    gateway.create("rivet.members", key, token="ada/x")
    found = gateway.request("GET", "actors", name="rivet.members", key=key, token="ada/x").json()
    public = found["actors"][0]["actor_id"]
    in_path = gateway.request("POST", f"gateway/{public}@ada%2Fx/action/hello", {"args": []})
    assert in_path.json() == {"output": f"hello {key}"}


@pytest.mark.parametrize("token", ["\0", "a\tb", "\U0001f600"])
def test_a_token_that_no_header_could_bring_is_no_token(gateway, token):
    query = {"rvt-method": "getOrCreate", "rvt-key": "a", "rvt-token": token}
    answer = gateway.request("POST", "gateway/rivet.mirror/action/echo", {"args": [1]}, **query)
    assert refused(answer, 401, "auth.authentication_failed")
    answer = gateway.request("POST", f"gateway/{'0' * 32}-1@{quote(token)}/action/echo", {"args": [1]})
    assert refused(answer, 401, "auth.authentication_failed")


def test_the_project_s_own_header_goes_before_the_token(gateway, make_user):
    make_user("ada")
    headers = {"authorization": "Bearer nobody"}
    response = gateway.call("rivet.members", "hello", token="ada", headers=headers)
    assert refused(response, 401, "auth.authentication_failed")


def test_permission_classes_and_hooks_are_asked(gateway, make_user):
    ada, eve = make_user("ada"), make_user("eve")
    mine = (str(ada.pk),)
    refused(gateway.call("rivet.members", "hello", key=mine), 401, "auth.not_authenticated")
    refused(gateway.send("rivet.members", "notes", "x", key=mine), 401, "auth.not_authenticated")
    refused(gateway.create("rivet.members", mine[0]), 401, "auth.not_authenticated")
    for key, token in ((mine, "eve"), ((str(eve.pk),), "ada")):
        refused(gateway.call("rivet.members", "hello", key=key, token=token), 403, "auth.forbidden")
        refused(gateway.send("rivet.members", "notes", "x", key=key, token=token), 403, "auth.forbidden")
        refused(gateway.create("rivet.members", key[0], token=token), 403, "auth.forbidden")
        query = {"name": "rivet.members", "key": key[0]}
        refused(gateway.request("GET", "actors", token=token, **query), 403, "auth.forbidden")
    assert gateway.call("rivet.members", "hello", key=mine, token="ada").status_code == 200


def test_hooks_see_the_params_of_the_connection_and_the_transport(gateway, make_user):
    Gated.create("a")
    make_user("eve")
    right, wrong = {"password": "sesame"}, {"password": "guess"}
    assert gateway.send("rivet.gated", "notes", "x", params=right).status_code == 200
    for params in (None, wrong, {}):
        response = gateway.send("rivet.gated", "notes", "x", params=params)
        refused(response, 401, "auth.not_authenticated")
        response = gateway.send("rivet.gated", "notes", "x", params=params, token="eve")
        refused(response, 403, "auth.forbidden")
    for params in ([1], "text"):
        refused(gateway.send("rivet.gated", "notes", "x", params=params), 400, "request.invalid")
    broken = {"x-rivet-conn-params": "{"}
    refused(gateway.send("rivet.gated", "notes", "x", headers=broken), 400, "request.parse_error")
    assert (
        gateway.send("rivet.mirror", "anything", "x", headers={"x-rivet-conn-params": "null"}).status_code
        == 200
    )


def test_params_are_plain_json_without_tags(gateway, monkeypatch):
    """The client writes them by ``JSON.stringify`` alone."""
    seen = []
    monkeypatch.setattr(Gated, "can_connect", lambda access: seen.append(dict(access.params)) or True)
    for value in (["$x", 1], ["$$x", 1], ["$BigInt", "1"]):
        params = {"more": value}
        gateway.send("rivet.gated", "notes", "x", params=params)
        assert seen.pop() == params


def test_the_query_string_is_not_the_connection_s_params(gateway, make_user):
    make_user("eve")
    Gated.create("a")
    query = {"rvt-method": "get", "rvt-key": "a", "password": "sesame"}
    response = gateway.request("POST", "gateway/rivet.gated/queue/notes", {"body": "x"}, token="eve", **query)
    assert refused(response, 403, "auth.forbidden")


def test_who_may_not_create_sends_only_to_what_is_there(gateway, make_user):
    make_user("root", is_staff=True)
    make_user("eve")
    eve = {"params": {"password": "sesame"}, "token": "eve"}
    refused(gateway.send("rivet.gated", "notes", "x", **eve), 403, "auth.forbidden")
    refused(gateway.create("rivet.gated", "a", **eve), 403, "auth.forbidden")
    refused(gateway.create("rivet.gated", "a", method="PUT", **eve), 403, "auth.forbidden")
    assert not Gated.get_or_create("a").exists()
    assert gateway.send("rivet.gated", "notes", "x", **{**eve, "token": "root"}).status_code == 200
    assert gateway.send("rivet.gated", "notes", "x", **eve).status_code == 200


def test_only_what_is_exposed_is_reached(gateway):
    assert gateway.send("rivet.silent", "letters", "x").status_code == 200
    refused(gateway.send("rivet.silent", "secret", "x"), 404, "queue.unknown")
    error = refused(gateway.call("rivet.silent", "hidden"), 404, "actor.action_not_found")
    assert "hidden?" not in error["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", "gateway/rivet.gauge/request/x"),
        ("GET", "gateway/rivet.gauge/connect"),
        ("GET", "datacenters"),
        ("POST", "gateway/rivet.gauge"),
    ],
)
def test_other_addresses_are_told_in_the_client_s_form(gateway, method, path):
    assert refused(gateway.request(method, path), 404, "request.not_found")


def test_other_methods_are_told_in_the_client_s_form(gateway):
    assert refused(
        gateway.request("GET", "gateway/rivet.gauge/queue/step"), 405, "request.method_not_allowed"
    )


def test_an_equal_body_does_not_tell_somebody_else_s_reply(gateway, make_user, start_worker):
    start_worker()
    make_user("ada")
    make_user("eve")
    asked = [
        gateway.send("rivet.mirror", "once", "x", wait=True, timeout=8000, token=name)
        for name in ("ada", "eve", "ada")
    ]
    refused(asked[1], 403, "auth.forbidden")
    assert asked[0].json() == asked[2].json() == {"status": "completed", "response": "x"}
