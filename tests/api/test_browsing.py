"""The browsable API: for a person with a browser."""

import asyncio
import html
import json
import re

import pytest
from django.contrib.staticfiles.finders import find
from django.test import AsyncClient, Client
from pydantic import BaseModel
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.renderers import BrowsableAPIRenderer

from actorqueues import Actor, Queue, action
from actorqueues.api.browsing import example
from tests.api.conftest import ROOT
from tests.api.test_servers import Server
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import PATIENCE
from tests.playground.actors import Tally
from tests.processes.evidence import QUICK


class Address(BaseModel):
    street: str
    country: str = "NL"


class Order(BaseModel):
    item: str
    count: int = 1
    to: Address
    colours: list[str] = []
    note: str | None = None


@pytest.fixture
def shop(empty_registry):
    class Shop(Actor):
        exposed = True
        orders = Queue(Order, reply=int)
        stop = Queue(None)

        async def run(self): ...

        @action(safe=True)
        def find(self, start: str, limit: int = 10) -> list[str]:
            return []

        @action
        def count(self) -> int:
            return 0

        @classmethod
        def can_publish(cls, access, queue):
            return access.key != ("closed",)

    return Shop


@pytest.fixture
def open_page(shop, make_user):
    """A page as a logged-in member of staff sees it."""
    client = Client()
    client.force_login(make_user("staff", is_staff=True))

    def open_page(path, method="get", data=None):
        given = {} if data is None else {"data": data, "content_type": "application/json"}
        return getattr(client, method)(f"{ROOT}/{path}", headers={"accept": "text/html"}, **given)

    return open_page


def told(page):
    """The JSON that the page shows."""
    shown = re.search(
        r'<div class="response-info".*?\n\n</span>(.*?)</pre>', page.content.decode(), re.DOTALL
    )
    return json.loads(html.unescape(re.sub(r"<[^>]+>", "", shown[1])))


def form_of(page):
    """What its form for POST is filled in with; None where there is no such form."""
    area = re.search(r'<textarea name="_content"[^>]*>(.*?)</textarea>', page.content.decode(), re.DOTALL)
    return None if area is None else json.loads(html.unescape(area[1]))


FIND = {"args": [], "kwargs": {"start": "", "limit": 10}}
ORDER = {"item": "", "count": 1, "to": {"street": "", "country": "NL"}, "colours": [], "note": None}


@pytest.mark.parametrize(("path", "status", "name", "form"), [
    ("", 200, "Actor types", None),
    ("shop/", 200, "Actors", None),
    ("shop/x/", 200, "Actor", {"input": None}),
    ("shop/x/queue/orders/", 405, "Queue", {"body": ORDER, "wait": True, "timeout": 5000}),
    ("shop/x/queue/stop/", 405, "Queue", {"wait": True, "timeout": 5000}),
    ("shop/x/actions/find/?start=a", 200, "Action", FIND),
    ("shop/x/actions/count/", 405, "Action", {"args": [], "kwargs": {}}),
    ("shop/x/messages/{id}/", 200, "Message", None),
    ("shop/x/inspector/summary/", 200, "Inspector Summary", None),
    ("shop/nobody/", 404, "Actor", {"input": None}),
    ("shop/x/queue/nothing/", 405, "Queue", {}),
    ("nothing/x/queue/orders/", 404, "Queue", {}),
    ("nothing/x/", 404, "Actor", {"input": None}),
    ("shop/x/messages/none/", 404, "Message", None),
    ("shop/x/actions/find/?limit=many", 400, "Action", FIND),
])  # fmt: skip
def test_every_address_is_a_page_with_a_form_that_is_filled_in(shop, open_page, path, status, name, form):
    sent = shop.get_or_create("x").send(shop.orders, {"item": "tea", "to": {"street": "Main"}})
    page = open_page(path.format(id=sent.id))
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{name}</h1>" in page.content.decode()
    assert form_of(page) == form
    assert (page.status_code < 400) != ({"group", "code", "message", "metadata"} == set(told(page)))


@pytest.mark.parametrize(("path", "data", "status", "said"), [
    ("shop/x/queue/orders/", {"body": {"item": "tea", "to": {"street": "Main"}}}, 202, {"status": "queued"}),
    ("shop/x/queue/stop/", {"wait": True, "timeout": 1}, 200, {"status": "timedOut"}),
    ("shop/x/queue/orders/", {"body": {"item": 5}}, 400, {"group": "queue", "code": "message_invalid"}),
    ("shop/x/queue/orders/", {"item": "tea"}, 400, {"group": "request", "code": "invalid"}),
    ("shop/closed/queue/stop/", {}, 403, {"group": "auth", "code": "forbidden"}),
    ("shop/x/actions/find/", FIND, 200, {"output": []}),
    ("shop/y/", {"input": None}, 201, {"type": "shop", "key": ["y"]}),
])  # fmt: skip
def test_what_is_posted_from_a_page_is_answered_with_a_page(open_page, path, data, status, said):
    page = open_page(path, "post", data)
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert {name: told(page)[name] for name in said} == said


def test_a_page_offers_no_form_to_whom_the_actors_permissions_refuse(shop, open_page):
    shop.permission_classes = [ReadOnly]
    assert form_of(open_page("shop/x/queue/orders/")) is None
    shop.permission_classes = []
    assert form_of(open_page("shop/x/queue/orders/")) is not None


class ReadOnly(BasePermission):
    def has_permission(self, request, view):
        return request.method in SAFE_METHODS


def test_a_page_leads_on(shop, open_page):
    shop.create(("a", "b/c"))
    assert f'href="http://testserver{ROOT}/shop/"' in open_page("").content.decode()
    place = f"{ROOT}/shop/a,b~2Fc/"
    assert f'href="http://testserver{place}"' in open_page("shop/?limit=1").content.decode()
    page = open_page("shop/a,b~2Fc/").content.decode()
    for name in ("queue/orders", "queue/stop", "actions/find", "actions/count"):
        assert f'href="{place}{name}/"' in page
    shop.create("second")
    assert "cursor=" in open_page("shop/?limit=1").content.decode().split('class="pager"')[1][:300]


def test_a_page_has_the_links_to_log_in_and_out_if_the_project_has_them(open_page, backend):
    assert "/api-auth/logout/" in open_page("").content.decode()
    anonymous = Client().get(f"{ROOT}/", headers={"accept": "text/html"}).content.decode()
    assert "/api-auth/login/?next=" in anonymous


@pytest.mark.parametrize("path", ["", "shop/x/queue/stop/", "nothing/"])
def test_no_page_is_rendered_on_the_event_loop(shop, backend, monkeypatch, path):
    on_loop = []

    def render(self, *args, **kwargs):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            on_loop.append(False)
        else:
            on_loop.append(True)
        return rendered(self, *args, **kwargs)

    rendered = BrowsableAPIRenderer.render
    monkeypatch.setattr(BrowsableAPIRenderer, "render", render)
    asyncio.run(AsyncClient().get(f"{ROOT}/{path}", headers={"accept": "text/html"}))
    assert on_loop == [False]


def test_an_example_of_what_contains_itself_comes_to_an_end():
    tree = {"properties": {"next": {"$ref": "#/$defs/Tree"}, "kind": {"enum": ["oak", "elm"]}}}
    found = example({"$ref": "#/$defs/Tree"}, {"Tree": tree})
    assert found["kind"] == found["next"]["kind"] == "oak"


@only_sqlite
def test_a_person_sends_waits_and_calls_in_a_browser(
    backend, playground_registry, worker_process, chromium, make_user
):
    server = Server(worker_process, "daphne")
    worker_process("--no-supervise", settings=QUICK)
    Tally.create("main")
    make_user("staff", is_staff=True)
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.route(
        "**/static/**", lambda route: route.fulfill(path=find(route.request.url.partition("/static/")[2]))
    )

    page.goto(f"{server.address}/api-auth/login/?next={ROOT}/")
    page.fill("[name=username]", "staff")
    page.fill("[name=password]", "secret")
    page.click("[type=submit]")
    for link in ("/actors/tally/", "/tally/main/"):
        page.click(f".response-info a[href$='{link}']")
    page.click("#extra-actions-menu")
    page.click("text=Send to increment")
    assert json.loads(page.input_value("textarea")) == {"body": {"amount": 1}, "wait": True, "timeout": 5000}
    page.fill("textarea", json.dumps({"body": {"amount": 4}, "wait": True, "timeout": PATIENCE * 1000}))
    page.click("form >> text=POST")
    page.wait_for_selector("text=completed")
    assert '"value": 4' in page.inner_text(".response-info")

    page.fill("textarea", "{")
    page.click("form >> text=POST")
    page.wait_for_selector("text=HTTP 400")
    page.click(".breadcrumb >> text=/^Actor$/")
    page.click("button:has-text('DELETE')")
    page.click("#deleteModal button:has-text('Delete')")
    page.wait_for_selector("text=destroying")
    context.close()
