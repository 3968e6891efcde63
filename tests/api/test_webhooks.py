"""A queue on a URL of its own: forms, webhooks, plain text."""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, NotRequired
from urllib.parse import urlencode

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import clear_url_caches, include, path
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.permissions import BasePermission, IsAuthenticated
from typing_extensions import TypeAliasType, TypedDict

from actorqueues import Actor, Message, Queue, UnknownQueue, handler
from actorqueues.api.webhooks import QueueView
from actorqueues.models import Message as StoredMessage
from tests.api import webhook_urls
from tests.fixtures.workers import eventually

pytestmark = pytest.mark.usefixtures("empty_registry")


class Order(BaseModel):
    item: str
    count: int = 1
    colours: list[str] = []
    day: date | None = None
    photo: bytes = b""


class Gift(BaseModel):
    item: str = ""


@pytest.fixture
def seen():
    return []


@pytest.fixture
def shop(empty_registry, seen):
    class Shop(Actor):
        @handler
        def order(self, body: Order, message: Message) -> None:
            seen.append((self.key, body, message.params, message.user_id))

        @handler
        def note(self, body: str, message: Message) -> None:
            seen.append((self.key, body, message.params, message.user_id))

        @handler
        def gift(self, body: Gift) -> None: ...

        @handler
        def ring(self) -> None: ...

    return Shop


@pytest.fixture
def mount(settings):
    """Mounts views at these routes, for this test alone."""
    settings.ROOT_URLCONF = webhook_urls.__name__

    def mount(views):
        webhook_urls.urlpatterns[:] = [path(route, view) for route, view in views.items()]
        clear_url_caches()

    yield mount
    webhook_urls.urlpatterns.clear()
    clear_url_caches()


@pytest.fixture
def hook(shop, mount, backend):
    mount({"hook/<group>/": QueueView.as_view(actor=shop, queue=shop.order)})
    return Client()


def bodies():
    return [json.loads(message.body) for message in StoredMessage.objects.order_by("id")]


def test_what_is_posted_is_the_body(hook):
    answer = hook.post("/hook/ann/", {"item": "tea", "count": 2}, content_type="application/json")
    stored = StoredMessage.objects.get()
    assert (answer.status_code, answer["X-Job-Id"]) == (202, stored.uid.hex)
    assert bodies()[0]["count"] == 2


def test_forms_fill_in_the_schema(hook):
    form = "item=tea&count=2&colours=red&day=2026-01-02&csrfmiddlewaretoken=x"
    assert hook.post("/hook/a/", form, content_type="application/x-www-form-urlencoded").status_code == 202
    answer = hook.post(
        "/hook/a/", {"item": "tea", "count": "2", "colours": ["red", "blue"], "day": "2026-01-02"}
    )
    assert answer.status_code == 202
    first, second = bodies()
    assert first == {"item": "tea", "count": 2, "colours": ["red"], "day": "2026-01-02", "photo": ""}
    assert second == {**first, "colours": ["red", "blue"]}


def test_a_file_goes_where_the_schema_has_bytes_and_nowhere_else(hook, seen, start_worker):
    start_worker()
    photo = SimpleUploadedFile("p.png", b"\0\xff")
    assert hook.post("/hook/a/", {"item": "tea", "photo": photo}).status_code == 202
    assert eventually(lambda: seen)[0][1].photo == b"\0\xff"
    refused = hook.post("/hook/a/", {"item": SimpleUploadedFile("p.png", b"x")})
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")


@dataclass
class Scan:
    page: bytes
    pages: list[bytes] = field(default_factory=list)


class Envelope(TypedDict):
    page: Annotated[bytes, Field(max_length=9)]
    pages: NotRequired[list[bytes] | None]


class Letter(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    content: bytes = Field(alias="page")
    pages: list[bytes] = []


Sheet = TypeAliasType("Sheet", bytes)
Sheets = TypeAliasType("Sheets", list[Sheet])


Bundle = TypeAliasType("Bundle", "list[Bundle] | bytes")


class Folder(BaseModel):
    page: Sheet | None = None
    pages: Sheets = []


class Box(BaseModel):
    page: Sheet
    pages: Bundle = b""


Anything = TypeAliasType("Anything", "Scan | Folder")


@pytest.mark.parametrize(
    "schema",
    [Scan, Envelope, Letter, Folder, Box, Letter | None, Scan | None, Anything, Annotated[Scan, "scanned"]],
)
def test_bytes_are_found_wherever_the_schema_has_them(mount, backend, schema):
    class Archive(Actor):
        scans = Queue(schema)

        async def run(self): ...

    mount({"scan/<group>/": QueueView.as_view(actor=Archive, queue=Archive.scans)})

    def post(**files):
        return Client().post(
            "/scan/a/", {n: SimpleUploadedFile("p", content) for n, content in files.items()}
        )

    assert post(page=b"\0\xff", pages=b"x").status_code == 202  # one of what the schema has a list of
    assert (bodies()[0]["page"], bodies()[0]["pages"]) == ("AP8=", ["eA=="])
    refused = post(page=b"x", note=b"y")
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")


def reads_the_form_first(get_response):
    """A middleware as there are some: it looks at a field of every form."""

    def respond(request):
        request.POST.get("a")
        return get_response(request)

    return respond


@pytest.mark.parametrize(
    ("accepts", "kind", "status"),
    [
        (["application/json"], "multipart", 415),
        (["application/x-www-form-urlencoded"], "multipart", 415),
        (["multipart/form-data"], "application/x-www-form-urlencoded", 415),
        (["multipart/form-data"], "multipart", 202),
        (["application/x-www-form-urlencoded"], "application/x-www-form-urlencoded", 202),
        (None, "multipart", 202),
    ],
)
@pytest.mark.parametrize("queue", ["ring", "gift"])
def test_a_form_that_a_middleware_has_read_before_is_no_other(
    shop, mount, backend, settings, accepts, kind, status, queue
):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_form_first"]
    mount({"hook/<group>/": QueueView.as_view(actor=shop, queue=queue, accepts=accepts)})
    data = {} if queue == "ring" else {"item": "tea"}
    how = {"data": data} if kind == "multipart" else {"data": urlencode(data) or "&", "content_type": kind}
    assert Client().post("/hook/a/", **how).status_code == status
    assert StoredMessage.objects.count() == (1 if status == 202 else 0)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_json_is_wanted_also_where_a_middleware_or_a_csrf_check_has_read_a_form(
    mount, settings, make_user, kind
):
    class Bell(Actor):
        exposed = True

        @handler
        def ring(self) -> None: ...

    mount({"api/actors/": include("actorqueues.api.urls")})
    session = Client(enforce_csrf_checks=True)
    session.force_login(make_user())
    session.cookies["csrftoken"] = "t" * 32
    content = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
    for client in (session, Client()):
        answer = client.post(
            "/api/actors/bell/a/queue/ring/", content, content_type=kind, headers={"X-CSRFToken": "t" * 32}
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_form_first"]
    assert not StoredMessage.objects.exists()


def test_plain_text_is_a_body_too(shop, mount, backend, seen, start_worker):
    mount({"note/<group>/": QueueView.as_view(actor=shop, queue="note")})
    start_worker()
    assert Client().post("/note/a/", "grüße", content_type="text/plain").status_code == 202
    assert eventually(lambda: seen)[0][1] == "grüße"
    assert Client().post("/note/a/", b"\xff", content_type="text/plain").status_code == 400


def test_the_handler_sees_the_urls_parameters_and_the_user(shop, mount, make_user, seen, start_worker):
    view = QueueView.as_view(actor=shop, queue=shop.order)
    mount({"hook/<group>/<int:year>/<uuid:batch>/<dedupe>/": view})
    start_worker()
    client, ann = Client(), make_user()
    client.force_login(ann)
    batch = "12345678-1234-5678-1234-567812345678"
    ids = {
        client.post(f"/hook/a b/2026/{batch}/once/", {"item": item})["X-Job-Id"] for item in ("tea", "milk")
    }
    assert len(ids) == 1
    [(key, body, params, user_id)] = eventually(lambda: seen)
    assert (key, body.item, user_id) == (("a b",), "tea", str(ann.pk))
    assert params == {"group": "a b", "year": 2026, "batch": batch, "dedupe": "once"}


def test_a_fixed_key_needs_no_group(shop, mount, backend):
    mount({"ring/": QueueView.as_view(actor=shop, queue=shop.ring, key=("door", 7))})
    assert Client().post("/ring/", "", content_type="application/json").status_code == 202
    assert shop.get_or_create(("door", 7)).exists()


def test_accepts_narrows_what_is_taken(shop, mount, backend):
    view = QueueView.as_view(actor=shop, queue=shop.order, accepts=["application/json"])
    mount({"hook/<group>/": view})
    assert Client().post("/hook/a/", {"item": "tea"}).status_code == 415
    assert Client().post("/hook/a/", {"item": "tea"}, content_type="application/json").status_code == 202


@pytest.mark.parametrize(
    ("content", "status"), [({"count": 2}, 400), ("{", 400), ({"item": "x" * 66_000}, 413)]
)
def test_what_does_not_fit_is_refused(hook, content, status):
    assert hook.post("/hook/a/", content, content_type="application/json").status_code == status
    assert not StoredMessage.objects.exists()


def test_the_actors_permissions_hold_unless_the_view_has_its_own(mount, backend):
    class Club(Actor):
        permission_classes = [IsAuthenticated]

        @handler
        def ring(self) -> None: ...

        @classmethod
        def can_publish(cls, access, queue):
            return access.key != ("closed",)

    views = {
        "club/<group>/": QueueView.as_view(actor=Club, queue="ring"),
        "open/<group>/": QueueView.as_view(actor=Club, queue="ring", permission_classes=[]),
    }
    mount(views)
    posted = {
        place: Client().post(f"/{place}/", "", content_type="application/json").status_code
        for place in ("club/a", "open/a", "open/closed")
    }
    assert posted == {"club/a": 403, "open/a": 202, "open/closed": 403}


def test_mounting_exposes_a_queue_there_and_nowhere_else(mount, backend):
    class Signed(Actor):
        exposed = ["open"]

        @handler
        def open(self) -> None: ...

        @handler
        def paid(self) -> None: ...

    class HasSignature(BasePermission):
        def has_permission(self, request, view):
            return request.headers.get("X-Signature") == "right"

    view = QueueView.as_view(actor=Signed, queue="paid", permission_classes=[HasSignature])
    mount({"hook/<group>/": view, "api/actors/": include("actorqueues.api.urls")})

    def post(place, **headers):
        return Client().post(place, {}, content_type="application/json", headers=headers).status_code

    assert post("/hook/a/", x_signature="right") == post("/api/actors/signed/a/queue/open/") == 202
    assert post("/hook/a/", x_signature="wrong") == 403
    for way in ({}, {"x_signature": "right"}):
        assert post("/api/actors/signed/a/queue/paid/", **way) == 404  # no door beside the one that checks
    assert list(StoredMessage.objects.order_by("queue").values_list("queue", flat=True)) == ["open", "paid"]


@pytest.mark.parametrize("hook", ["can_connect", "can_publish", "can_create"])
def test_each_of_the_actors_hooks_is_asked_at_a_mounted_queue(mount, backend, hook):
    class Club(Actor):
        @handler
        def ring(self) -> None: ...

    asked = []

    def refuse(cls, access, *names):
        asked.append((access.key, access.transport, *names))
        return access.key == ("open",)

    setattr(Club, hook, classmethod(refuse))
    mount({"club/<group>/": QueueView.as_view(actor=Club, queue="ring", permission_classes=[])})
    posted = [
        Client().post(f"/club/{key}/", "", content_type="application/json").status_code
        for key in ("open", "shut")
    ]
    # Whoever may not create finds nothing to send to.
    assert posted == [202, 404 if hook == "can_create" else 403]
    names = ("ring",) if hook == "can_publish" else ()
    assert asked == [(("open",), "http", *names), (("shut",), "http", *names)]
    assert StoredMessage.objects.count() == 1


@pytest.mark.parametrize("how", ["reference", "name"])
def test_a_subclass_may_say_what_it_mounts(shop, mount, backend, how):
    class Orders(QueueView):
        actor = shop
        queue = shop.order if how == "reference" else "order"
        key = "front"
        accepts = ["application/json"]

    class Notes(Orders):
        queue = shop.note
        accepts = ["text/plain"]

    mount({"orders/": Orders.as_view(), "notes/": Notes.as_view(), "gifts/": Orders.as_view(queue=shop.gift)})
    sent = [
        Client().post("/orders/", {"item": "tea"}, content_type="application/json"),
        Client().post("/notes/", "hello", content_type="text/plain"),
        Client().post("/gifts/", {"item": "tea"}, content_type="application/json"),
    ]
    assert [answer.status_code for answer in sent] == [202, 202, 202]
    assert [one.queue for one in StoredMessage.objects.order_by("id")] == ["order", "note", "gift"]
    assert Client().post("/orders/", {"item": "tea"}).status_code == 415


def test_a_mistake_in_mounting_is_seen_at_once(shop):
    class Unfinished(QueueView):
        actor = shop

    with pytest.raises(ImproperlyConfigured, match="Unfinished"):
        Unfinished.as_view()
    with pytest.raises(ImproperlyConfigured):
        QueueView.as_view(actor=shop)
    with pytest.raises(UnknownQueue):
        QueueView.as_view(actor=shop, queue="nothing")
    with pytest.raises(ImproperlyConfigured):
        QueueView.as_view(actor=shop, queue="note", accepts=["image/png"])


def test_nul_in_the_address_is_refused(shop, mount, backend):
    mount({"hook/<group>/<note>/": QueueView.as_view(actor=shop, queue=shop.order)})
    answer = Client().post("/hook/ann/a%00b/", {"item": "tea"}, content_type="application/json")
    assert answer.status_code == 400
    assert not StoredMessage.objects.exists()


def test_a_mount_may_have_parts_of_its_own(mount, backend):
    class Shelf(Actor):
        exposed = True

        @handler
        def place(self, body: str) -> None: ...

    mount({})
    webhook_urls.urlpatterns[:] = [path("<version>/actors/", include("actorqueues.api.urls"))]
    answer = Client().post(
        "/v2/actors/shelf/ann/queue/place/", {"body": "tea"}, content_type="application/json"
    )
    assert answer.status_code == 202, answer.content
    assert answer["Location"].startswith("/v2/actors/shelf/ann/messages/")
    assert Client().get(answer["Location"]).json()["status"] == "queued"
