"""One actor: summary and state, making and destroying it, its actions."""

import asyncio
import base64
from typing import Any

import pytest
from django.test import AsyncClient, Client
from pydantic import BaseModel
from rest_framework.authentication import BasicAuthentication

from actorqueues import Actor, Queue, action, handler
from actorqueues.models import ActorInstance, HistoryEntry, HistoryKind, Message
from actorqueues.web.views import WebView
from tests.api.conftest import ROOT, Api
from tests.fixtures.workers import eventually

pytestmark = pytest.mark.usefixtures("empty_registry")


class Add(BaseModel):
    item: str


@pytest.fixture
def basket(empty_registry):
    class Basket(Actor):
        exposed = True
        initial_state = {"items": []}

        def on_create(self, input):
            self.state["items"] = list(input or [])

        @handler
        def add(self, body: Add) -> int:
            self.state["items"].append(body.item)
            return len(self.state["items"])

        @action(safe=True)
        def find(self, start: str = "", limit: int = 10) -> list[str]:
            return [item for item in self.state["items"] if item.startswith(start)][:limit]

        @action
        async def size(self) -> int:
            return len(self.state["items"])

    return Basket


def test_an_actor_tells_its_summary_and_state(basket, api, start_worker):
    start_worker()
    api.ask("basket/ann,7/queue/add/", {"item": "tea"})
    told = api.get("basket/ann,7/").json()
    assert told.pop("createdAt")
    assert told == {
        "type": "basket", "key": ["ann", "7"], "id": told["id"], "status": "live", "paused": False,
        "awake": True, "queueSize": 0, "state": {"items": ["tea"]},
    }  # fmt: skip
    assert basket.get_for_id(told["id"]).key == ("ann", "7")


def test_an_actor_that_nobody_has_claimed_yet_is_there_with_its_mail(basket, api):
    api.post("basket/x/queue/add/", {"body": {"item": "tea"}})
    told = api.get("basket/x/").json()
    assert (told["queueSize"], told["createdAt"], told["state"]) == (1, None, {"items": []})


def test_an_actor_that_is_not_there_is_not_found(basket, api):
    assert api.get("basket/x/").status_code == 404
    assert api.get("basket/x/").json()["code"] == "not_found"
    assert not ActorInstance.objects.exists()


def test_the_state_is_told_only_where_it_is_exposed_and_may_be_read(api, make_user):
    class Vault(Actor):
        exposed = ["state", "put"]
        put = Queue(str)

        async def run(self): ...

        @classmethod
        def can_read(cls, access):
            return access.user_id == access.key[0]

    class Safe(Actor):
        exposed = ["put"]
        put = Queue(str)

        async def run(self): ...

    ann = make_user()
    mine = str(ann.pk)
    for kind in ("vault", "safe"):
        Api().post(f"{kind}/{mine}/queue/put/", {"body": "gold"})
    assert "state" in Api(ann).get(f"vault/{mine}/").json()
    assert "state" not in Api(make_user("ben")).get(f"vault/{mine}/").json()
    assert "state" not in Api(ann).get(f"safe/{mine}/").json()


def test_an_actor_is_created_once_with_its_input(basket, api, start_worker):
    start_worker()
    made = api.post("basket/x~2Fy/", {"input": ["milk"]})
    assert (made.status_code, made["Location"]) == (201, "/api/actors/basket/x~2Fy/")
    assert made.json()["key"] == ["x/y"]
    eventually(lambda: api.get("basket/x~2Fy/").json()["state"] == {"items": ["milk"]})
    again = api.post("basket/x~2Fy/", {"input": ["bread"]})
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert api.post("basket/empty/").status_code == 201
    assert api.post("basket/odd/", {"items": ["milk"]}).status_code == 400
    assert api.post("basket/odd/", ["milk"]).status_code == 400


def test_staff_destroys_an_actor_and_nobody_else(basket, make_user, start_worker):
    start_worker()
    staff, ann = Api(make_user("staff", is_staff=True)), Api(make_user())
    ann.ask("basket/x/queue/add/", {"item": "tea"})
    assert ann.delete("basket/x/").status_code == 403
    answer = staff.delete("basket/x/")
    assert (answer.status_code, answer.json()["status"]) == (202, "destroying")
    # Gone at once to those outside; what is sent before its worker has ended it goes with it.
    assert ann.get("basket/x/").status_code == 404
    eventually(lambda: ActorInstance.objects.get(key="x").status == "destroyed")
    assert staff.delete("basket/nobody/").status_code == 404
    assert ann.ask("basket/x/queue/add/", {"item": "milk"})["response"] == 1  # a new one


# Actions


def test_actions_are_called_with_arguments_of_the_right_type(basket, api, start_worker):
    start_worker()
    for item in ("tea", "toast", "milk"):
        api.ask("basket/x/queue/add/", {"item": item})
    calls = [
        ({"args": ["t"]}, ["tea", "toast"]),
        ({"kwargs": {"start": "t", "limit": 1}}, ["tea"]),
        (None, ["tea", "toast", "milk"]),
    ]
    for given, output in calls:
        assert api.post("basket/x/actions/find/", given).json() == {"output": output}
    assert api.get("basket/x/actions/find/?start=t&limit=1&format=json").json() == {"output": ["tea"]}
    assert api.get("basket/x/actions/find?args=t&args=1").json() == {"output": ["tea"]}
    assert api.post("basket/x/actions/size/").json() == {"output": 3}


@pytest.mark.parametrize("given", [
    {"args": [1]}, {"kwargs": {"limit": "many"}}, {"kwargs": {"colour": "red"}}, {"args": ["a", 1, 2]},
    {"args": "abc"}, {"kwargs": [1]}, {"start": "t"}, [1],
])  # fmt: skip
def test_arguments_that_do_not_fit_are_refused(basket, api, given):
    answer = api.post("basket/x/actions/find/", given)
    assert (answer.status_code, answer.json()["group"], answer.json()["code"]) == (400, "request", "invalid")


def test_only_safe_actions_are_open_to_get(basket, api):
    answer = api.get("basket/x/actions/size/")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert api.get("basket/x/actions/nothing/").status_code == 404


def test_an_action_that_fails_tells_no_secret(api):
    class Broken(Actor):
        exposed = True

        @action
        def fail(self) -> None:
            raise RuntimeError("secret")

        @action
        def meddle(self) -> None:
            self.state["x"] = 1

    for name in ("fail", "meddle"):
        answer = api.post(f"broken/x/actions/{name}/")
        assert answer.status_code == 500
        assert answer.json()["message"] == "Something went wrong here. The server's log tells what."


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_what_is_done_over_rest_is_its_users_without_any_middleware(
    empty_registry, make_user, settings, monkeypatch, kind
):
    class Bell(Actor):
        exposed = True
        rung = Queue(str)

        async def run(self): ...

        @action
        def ring(self) -> None:
            Bell.get_or_create("x").send("rung", "now")

        @action
        async def ring_later(self) -> None:
            await Bell.get_or_create("x").asend("rung", "later")

    monkeypatch.setattr(WebView, "authentication_classes", [BasicAuthentication])
    ann = make_user(is_staff=True)
    login = {"authorization": f"Basic {base64.b64encode(b'ann:secret').decode()}"}
    client = Client() if kind == "plain" else AsyncClient()

    def ask(method, place):
        place = f"{ROOT}/bell/x/{place}"
        answer = getattr(client, method)(place, content_type="application/json", headers=login)
        return (answer if kind == "plain" else asyncio.run(answer)).status_code

    assert [ask("post", f"actions/{name}/") for name in ("ring", "ring_later")] == [200, 200]
    assert ask("delete", "") == 202
    assert [one.user_id for one in Message.objects.all()] == [str(ann.pk)] * 2
    entry = HistoryEntry.objects.get(kind=HistoryKind.DESTROYED)
    assert entry.user_id == str(ann.pk)
    Bell.get_or_create("z").send("rung", "by nobody")  # what comes after the request is not its user's
    assert Message.objects.order_by("-id").first().user_id is None


def nested(levels):
    found = []
    for _ in range(levels - 1):
        found = [found]
    return found


@pytest.fixture
def echo(empty_registry):
    class Echo(Actor):
        exposed = True

        @action(safe=True)
        def nest(self, levels: int) -> list[Any]:
            return nested(levels)

        @action
        async def again(self, value: Any) -> Any:
            return value

        @action
        def odd(self) -> Any:
            return [float("nan")]


@pytest.mark.parametrize(("levels", "status"), [(200, 200), (210, 500), (300, 500), (950, 500), (5000, 500)])
def test_what_an_action_returns_nests_so_deep_and_no_deeper(echo, api, levels, status):
    answer = api.get(f"echo/x/actions/nest/?levels={levels}")
    assert answer.status_code == status
    if status == 500:
        assert (answer.json()["group"], answer.json()["code"]) == ("actor", "output_invalid")


def test_what_has_no_form_in_json_is_a_named_error_too(echo, api):
    answer = api.post("echo/x/actions/odd/")
    assert (answer.status_code, answer.json()["code"]) == (500, "output_invalid")


@pytest.mark.parametrize(("levels", "status"), [(150, 200), (151, 400), (300, 400), (900, 400)])
@pytest.mark.parametrize("name", ["args", "kwargs"])
def test_arguments_that_nest_too_deep_are_the_clients_mistake(echo, api, name, levels, status):
    given = [nested(levels)] if name == "args" else {"value": nested(levels)}
    answer = api.post("echo/x/actions/again/", {name: given})
    assert answer.status_code == status
    if status == 400:
        assert (answer.json()["group"], answer.json()["code"]) == ("request", "invalid")
