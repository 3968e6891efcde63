"""``POST …/action/{name}``"""

import pytest

from actorqueues.models import ActorInstance
from tests.gateway.actors import Gauge
from tests.gateway.conftest import refused


def output(response):
    assert response.status_code == 200, response.content
    return response.json()["output"]


def test_an_action_reads_the_committed_state(gateway, start_worker, make_user):
    ada = make_user("ada")
    start_worker()
    gateway.send("rivet.gauge", "step", {"amount": 3}, token="ada", wait=True, timeout=8000)
    assert output(gateway.call("rivet.gauge", "read")) == 3
    assert output(gateway.call("rivet.gauge", "read", 2)) == 6
    assert output(gateway.call("rivet.gauge", "user")) == str(ada.pk)  # async
    assert output(gateway.call("rivet.gauge", "who", method="get")) == ["a"]


def test_an_action_makes_no_actor(gateway):
    assert output(gateway.call("rivet.gauge", "read")) == 0
    assert not ActorInstance.objects.exists()
    refused(gateway.call("rivet.gauge", "read", method="get"), 404, "actor.not_found")


def test_an_action_by_id(gateway):
    Gauge.create(("a", "b"))
    actor = gateway.request("GET", "actors", name="rivet.gauge", key="a/b").json()["actors"][0]
    assert output(gateway.call(actor["actor_id"], "who", method=None)) == ["a", "b"]


def test_arguments_and_outputs_have_tags(gateway):
    assert output(gateway.call("rivet.mirror", "numbers")) == {
        "large": ["$BigInt", str(2**70)],
        "bytes": ["$Uint8Array", "AP8="],
        "pair": ["$$BigInt", "7"],
        "set": ["$Set", [1]],
    }
    for value in (["$BigInt", str(2**60)], ["$Uint8Array", "AP8="], ["$$x", [1]], {"a": None}):
        assert output(gateway.call("rivet.mirror", "echo", value)) == value


def test_half_a_surrogate_pair_is_text_as_in_javascript(gateway):
    """``JSON.stringify`` writes it as an escape, and so it comes back."""
    assert output(gateway.call("rivet.mirror", "echo", "ü\ud800")) == "ü\ud800"


@pytest.mark.parametrize(
    ("action", "arguments", "code"),
    [
        ("echo", [], "request.invalid"),
        ("echo", [1, 2], "request.invalid"),
        ("echo", [["$Date", 1]], "request.parse_error"),
    ],
)
def test_arguments_that_do_not_fit(gateway, action, arguments, code):
    assert refused(gateway.call("rivet.mirror", action, *arguments), 400, code)


@pytest.mark.parametrize("data", [{"args": {}}, {"arguments": []}, {"args": [], "kwargs": {}}, []])
def test_a_request_that_is_no_call(gateway, data):
    response = gateway.request("POST", "gateway/rivet.mirror/action/echo", data, **{"rvt-method": "get"})
    assert refused(response, 400, "request.invalid")


def test_what_an_action_returns_too_deeply_nested_is_a_named_error(gateway):
    assert gateway.call("rivet.mirror", "nest", 200).status_code == 200
    for levels in (300, 900):
        refused(gateway.call("rivet.mirror", "nest", levels), 500, "actor.output_invalid")


def test_an_action_that_breaks_tells_nothing_of_the_server(gateway):
    response = gateway.call("rivet.gauge", "broken")
    refused(response, 500, "internal.error")
    assert b"secret" not in response.content


def test_unknown_actions(gateway):
    error = refused(gateway.call("rivet.mirror", "ecko"), 404, "actor.action_not_found")
    assert '"echo"' in error["message"]
