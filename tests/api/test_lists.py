"""Lists of types and actors, and what the inspector shows."""

import base64
from types import SimpleNamespace

import pytest
from django.urls import clear_url_caches, include, path
from rest_framework.authentication import BaseAuthentication
from rest_framework.pagination import PageNumberPagination

from actorqueues import Actor, Queue, action, handler
from actorqueues.api.lists import ActorsView
from actorqueues.definitions.redaction import MASK
from actorqueues.models import ActorInstance, ActorStatus
from actorqueues.web.views import WebView
from tests.api import webhook_urls
from tests.api.conftest import Api

pytestmark = pytest.mark.usefixtures("empty_registry")

KEYS = [("42", "a"), ("42", "ab"), ("42", "Ab"), ("420",), ("",), (), ("x/y", "z"), ("é",)]


@pytest.fixture
def staff(make_user):
    return Api(make_user("staff", is_staff=True))


@pytest.fixture
def box(empty_registry):
    class Box(Actor):
        exposed = True
        items = Queue(str)
        other = Queue(str)

        async def run(self): ...

        @action(safe=True)
        def look(self) -> int:
            return 1

    return Box


def listed(api, path):
    """Every key, over all pages."""
    found, place = [], f"/api/actors/{path}"
    while place:
        answer = api.client.get(place)
        assert answer.status_code == 200, answer.content
        found += [tuple(actor["key"]) for actor in answer.json()["results"]]
        place = answer.json()["next"]
    return found


def test_types_are_listed_with_what_they_expose(box, api):
    class Hidden(Actor):
        @handler
        def take(self, body: str) -> None: ...

    class Part(Actor):
        exposed = ["take"]

        @handler
        def take(self, body: str) -> None: ...

        @handler
        def hide(self, body: str) -> None: ...

    assert api.get("").json() == {"types": [
        {"type": "box", "queues": ["items", "other"], "actions": [{"name": "look", "safe": True}], "state": True,
         "url": "http://testserver/api/actors/box/"},
        {"type": "part", "queues": ["take"], "actions": [], "state": False,
         "url": "http://testserver/api/actors/part/"},
    ]}  # fmt: skip


def test_actors_are_listed_in_pages(box, staff):
    for key in KEYS:
        box.create(key)
    for limit in (1, 3, 100):
        assert sorted(listed(staff, f"box/?limit={limit}")) == sorted(KEYS)
    first = staff.get("box/").json()["results"][0]
    assert staff.client.get(first["url"]).json()["id"] == first["id"]


@pytest.mark.parametrize(("prefix", "keys"), [
    ("42", {("42", "a"), ("42", "ab"), ("42", "Ab"), ("420",)}),
    ("42,", {("42", "a"), ("42", "ab"), ("42", "Ab")}),
    ("42,a", {("42", "a"), ("42", "ab")}),
    ("x~2Fy,", {("x/y", "z")}),
    ("é", {("é",)}),
    ("~", {("",)}),
    ("~~", {()}),
    ("%25", set()),
    ("_", set()),
])  # fmt: skip
def test_lists_are_filtered_by_the_beginning_of_the_key(box, staff, prefix, keys):
    for key in KEYS:
        box.create(key)
    assert set(listed(staff, f"box/?key={prefix}")) == keys


def test_lists_are_filtered_by_status(box, staff):
    for key in ("here", "held", "gone"):
        box.create(key)
    ActorInstance.objects.filter(key="held").update(status=ActorStatus.HELD)
    ActorInstance.objects.filter(key="gone").update(status=ActorStatus.DESTROYED)
    assert listed(staff, "box/") == [("held",), ("here",)]
    assert listed(staff, "box/?status=held") == [("held",)]
    assert staff.get("box/?status=destroyed").status_code == 400
    assert staff.get("box/?key=~2").status_code == 400


def test_lists_are_for_staff_unless_the_class_says_else(box, make_user):
    class Open(Actor):
        exposed = True
        items = Queue(str)

        async def run(self): ...

        @classmethod
        def can_list(cls, access):
            return access.user_id is not None

    ann = Api(make_user())
    assert (ann.get("box/").status_code, Api().get("box/").status_code) == (403, 403)
    assert (ann.get("open/").status_code, Api().get("open/").status_code) == (200, 403)


def test_a_list_is_of_a_type_and_takes_no_connecting(box, make_user):
    class Diary(Actor):
        exposed = True
        pages = Queue(str)

        async def run(self): ...

        @classmethod
        def can_connect(cls, access):
            return access.key == (access.user_id,)

    ann, staff = make_user(), make_user("staff", is_staff=True)
    Diary.create(ann.pk)
    assert listed(Api(staff), "diary/") == [(str(ann.pk),)]
    assert Api(staff).get(f"diary/{ann.pk}/").status_code == 403
    assert Api(ann).get("diary/").status_code == 403


class Numbered(PageNumberPagination):
    page_size = 2


@pytest.fixture
def mount_list(settings):
    """``mount_list(pagination_class=…)`` puts a list before the others."""
    settings.ROOT_URLCONF = webhook_urls.__name__

    def mount(around=(), **options):
        """``around``: namespaces, of the list alone, of all."""
        alone = [path("api/actors/<type>/", ActorsView.as_view(**options))]
        inner, outer = (*around, None, None)[:2]
        patterns = [path("", include((alone, inner) if inner else alone))]
        patterns.append(path("api/actors/", include("actorqueues.api.urls")))
        webhook_urls.urlpatterns[:] = [path("", include((patterns, outer) if outer else patterns))]
        clear_url_caches()

    yield mount
    webhook_urls.urlpatterns.clear()
    clear_url_caches()


@pytest.mark.parametrize("around", [(), ("shop",), (None, "shop"), ("own", "shop")])
def test_a_list_may_have_pages_of_any_kind(mount_list, box, staff, around):
    for key in "cab":
        box.create(key)
    mount_list(around, pagination_class=Numbered)
    last = staff.get("box/?page=2").json()
    assert (last["count"], last["next"], last["results"][0]["key"]) == (3, None, ["c"])
    assert staff.client.get(last["results"][0]["url"]).json()["key"] == ["c"]


def test_a_list_without_pages_is_refused(mount_list, box, staff, caplog):
    mount_list(pagination_class=PageNumberPagination)
    assert staff.get("box/").status_code == 500
    assert "PageNumberPagination has no page_size" in caplog.text


# The inspector


def test_the_inspector_shows_staff_the_queue_without_bodies(box, staff):
    handle = box.get_or_create("x")
    ids = [handle.send(box.items, "secret").id for _ in range(3)] + [handle.send(box.other, "secret").id]
    handle.send(box.other, "secret", delay=60)
    told = staff.get("box/x/inspector/queue?limit=2")
    assert "secret" not in told.content.decode()
    told = told.json()
    assert (told["size"], told["limit"], told["truncated"]) == (4, 2, True)
    assert [(one["id"], one["queue"], one["status"]) for one in told["messages"]] == [
        (ids[0], "items", "ready"), (ids[1], "items", "ready"),
    ]  # fmt: skip
    assert [staff.get("box/x/inspector/queue/").json()[name] for name in ("size", "limit", "truncated")] == [
        4,
        50,
        False,
    ]
    summary = staff.get("box/x/inspector/summary").json()
    assert (summary["queueSize"], summary["scheduled"], summary["deadLetters"]) == (4, 1, 0)
    assert staff.get("box/x/inspector/state").json() == {"state": {}}
    assert staff.get("box/x/inspector/workflow-history").json() == {"entries": []}


def test_the_inspector_shows_the_state_as_the_class_redacts_it(box, staff, backend):
    box.create("x")
    ActorInstance.objects.using(backend).update(state='{"api_key": "abc", "lines": 3}')
    assert staff.get("box/x/inspector/state").json() == {"state": {"api_key": MASK, "lines": 3}}

    box.redact = classmethod(lambda cls, kind, name, value: [kind, name, sorted(value)])
    assert staff.get("box/x/inspector/state").json() == {"state": ["state", "", ["api_key", "lines"]]}


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "²"])
def test_the_inspectors_limit_is_a_number_in_bounds(box, staff, limit):
    box.create("x")
    assert staff.get(f"box/x/inspector/queue?limit={limit}").status_code == 400


@pytest.mark.parametrize("page", ["summary", "queue", "state", "workflow-history"])
def test_the_inspector_is_for_staff_alone(box, staff, make_user, page):
    box.create("x")
    for stranger in (Api(), Api(make_user())):
        assert stranger.get(f"box/x/inspector/{page}/").status_code == 403
    assert staff.get(f"box/x/inspector/{page}/").status_code == 200
    assert staff.get(f"box/nobody/inspector/{page}/").status_code == 404


class Guests(BaseAuthentication):
    """Of a project whose model of users knows no staff."""

    def authenticate(self, request):
        return SimpleNamespace(pk=1, is_authenticated=True, is_active=True), None


def test_who_cannot_be_staff_is_none(box, api, monkeypatch):
    monkeypatch.setattr(WebView, "authentication_classes", [Guests])
    box.create("x")
    assert api.get("box/x/inspector/summary/").status_code == 403
    assert api.get("box/").status_code == 403
    assert api.delete("box/x/").status_code == 403
    assert api.get("box/x/").status_code == 200


def test_a_cursor_that_no_database_takes_is_no_cursor(staff, box):
    box.create("a")
    cursor = base64.b64encode(b"p=%00").decode()
    assert staff.get(f"box/?cursor={cursor}").status_code == 404
