"""HEAD and OPTIONS: what HTTP has beside the methods that the addresses are for."""

import asyncio

import httpx
import pytest
from django.test import AsyncClient
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated

from actorqueues import Actor, Queue, action
from actorqueues.models import ActorInstance, Message
from tests.api.conftest import ROOT, Api
from tests.api.test_servers import SERVERS, Server
from tests.fixtures.backends import only_sqlite
from tests.playground.actors import Tally


@pytest.fixture
def box(empty_registry):
    class Box(Actor):
        exposed = ["items", "look", "touch", "state"]
        items = Queue(str)

        async def run(self): ...

        @action(safe=True)
        def look(self) -> int:
            return 1

        @action
        def touch(self) -> int:
            return 1

        @action(safe=True)
        def hidden(self) -> int:
            return 1

    return Box


@pytest.fixture
def staff(make_user):
    return Api(make_user("staff", is_staff=True))


ADDRESSES = [
    ("", "GET, HEAD, OPTIONS"),
    ("box/", "GET, HEAD, OPTIONS"),
    ("box/x/", "GET, POST, DELETE, HEAD, OPTIONS"),
    ("box/x/queue/items/", "POST, OPTIONS"),
    ("box/x/messages/{id}/", "GET, DELETE, HEAD, OPTIONS"),
    ("box/x/actions/look/", "GET, POST, HEAD, OPTIONS"),
    ("box/x/actions/touch/", "POST, OPTIONS"),
    ("box/x/inspector/queue/", "GET, HEAD, OPTIONS"),
]


@pytest.mark.parametrize(("path", "allowed"), ADDRESSES)
def test_head_is_a_get_without_its_body(box, staff, path, allowed):
    sent = box.get_or_create("x").send("items", "a", track=True)
    place = f"{ROOT}/{path.format(id=sent.id)}"
    head, get = staff.client.head(place), staff.client.get(place)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.status_code == (200 if "GET" in allowed else 405)
    assert head.headers["Content-Type"] == get.headers["Content-Type"] == "application/json"
    assert head.headers["Allow"] == get.headers["Allow"] == allowed


@pytest.mark.parametrize(("path", "allowed"), ADDRESSES)
def test_options_tell_what_an_address_is_for_and_do_nothing(box, staff, path, allowed):
    sent = box.get_or_create("x").send("items", "a", track=True)
    answer = staff.client.options(f"{ROOT}/{path.format(id=sent.id)}")
    assert (answer.status_code, answer.headers["Allow"]) == (200, allowed)
    told = answer.json()
    assert told["name"]
    assert "application/json" in told["renders"]
    assert "application/json" in told["parses"]
    assert (Message.objects.count(), ActorInstance.objects.count()) == (1, 0)


def test_options_on_the_event_loop(box, backend):
    answer = asyncio.run(AsyncClient().options(f"{ROOT}/box/x/actions/touch/"))
    assert (answer.status_code, answer.headers["Allow"]) == (200, "POST, OPTIONS")


@pytest.mark.parametrize(("path", "status"), [
    ("nothing/", 404),
    ("box/x/queue/nothing/", 404),
    ("box/x/actions/hidden/", 404),
    ("box/x/actions/nothing/", 404),
    ("box/~2/actions/touch/", 400),
])  # fmt: skip
def test_options_of_what_is_not_there_are_refused(box, staff, path, status):
    answer = staff.client.options(f"{ROOT}/{path}")
    assert (answer.status_code, set(answer.json())) == (status, {"group", "code", "message", "metadata"})


def test_head_and_options_take_the_permissions_of_the_actor(box, api, staff):
    box.permission_classes = [IsAuthenticated]
    for method in ("head", "options"):
        for path in ("box/x/", "box/x/actions/touch/", "box/x/queue/items/"):
            assert getattr(api.client, method)(f"{ROOT}/{path}").status_code == 403
    box.can_call = classmethod(lambda cls, access, name: name == "look")
    answer = staff.client.options(f"{ROOT}/box/x/actions/touch/")
    assert (answer.status_code, answer.headers["Allow"]) == (403, "GET, POST, HEAD, OPTIONS")


def test_options_leave_out_the_forms_that_permissions_refuse(box, api):
    assert "POST" in api.client.options(f"{ROOT}/box/x/").json()["actions"]
    box.permission_classes = [ReadOnly]
    assert "actions" not in api.client.options(f"{ROOT}/box/x/").json()


class ReadOnly(BasePermission):
    def has_permission(self, request, view):
        return request.method in SAFE_METHODS


@only_sqlite
@pytest.mark.parametrize("name", list(SERVERS))
def test_servers_answer_them_too(name, backend, worker_process):
    server = Server(worker_process, name)
    Tally.create("main")
    place = f"{server.address}{ROOT}/tally/main/"
    with httpx.Client() as client:
        for path in ("", "actions/peek/"):
            head = client.head(place + path)
            assert (head.status_code, head.content) == (200, b"")
            assert client.get(place + path).json()  # on the same connection: nothing was left over
        assert client.options(place).headers["Allow"] == "GET, POST, DELETE, HEAD, OPTIONS"
