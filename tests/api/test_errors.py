"""What goes wrong is said clearly, with the right status, and leaves nothing behind."""

import asyncio
import base64
import json
import zlib
from contextlib import suppress
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, include, path
from pydantic import BaseModel
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.throttling import UserRateThrottle

from actorqueues import Actor, Forbidden, Queue, action, handler
from actorqueues.models import Deduplication, Message, Wake
from actorqueues.web.bodies import largest_body
from actorqueues.web.views import WebView
from tests.api import webhook_urls
from tests.api.conftest import ROOT, Api
from tests.fixtures.backends import only_postgresql, only_sqlite

pytestmark = pytest.mark.usefixtures("empty_registry")
PLACE = "counter/main/queue/increment/"


class Increment(BaseModel):
    amount: int = 1


@pytest.fixture(autouse=True)
def counter(empty_registry):
    class Counter(Actor):
        exposed = ["increment", "few", "anything"]
        increment = Queue(Increment, reply=int)
        few = Queue(None, max_depth=1)
        anything = Queue(dict)
        hidden = Queue(Increment)

        async def run(self): ...

    class Secret(Actor):
        @handler
        def take(self, body: str) -> None: ...

    return Counter


def refusal(answer):
    """Status, code and text of a refusal, which stored nothing."""
    assert not Message.objects.exists()
    assert not Wake.objects.exists()
    told = answer.json()
    assert set(told) == {"group", "code", "message", "metadata"}
    return answer.status_code, f"{told['group']}.{told['code']}", told["message"]


def raw(api, content, content_type="application/json", **headers):
    return api.client.post(f"{ROOT}/{PLACE}", content, content_type=content_type, headers=headers)


@pytest.mark.parametrize("data", [{"amount": 5}, {"amount": 5, "wait": True}, 5, "x", [1], True])
def test_a_bare_body_is_told_to_be_wrapped(api, data):
    status, code, text = refusal(raw(api, json.dumps(data)))
    assert (status, code) == (400, "request.invalid")
    assert 'wrap it in {"body": …}' in text


@pytest.mark.parametrize(("data", "name"), [
    ({"body": {}, "wait": 1}, "wait"),
    ({"body": {}, "wait": "true"}, "wait"),
    ({"body": {}, "wait": None}, "wait"),
    ({"body": {}, "timeout": "5"}, "timeout"),
    ({"body": {}, "timeout": True}, "timeout"),
    ({"body": {}, "timeout": -1}, "timeout"),
    ({"body": {}, "timeout": 1e300}, "timeout"),
    ({"body": {}, "delay": -5}, "delay"),
    ({"body": {}, "delay": 10**20}, "delay"),
    ({"body": {}, "delay": [1]}, "delay"),
    ({"body": {}, "dedupe": 7}, "dedupe"),
    ({"body": {}, "colour": "red"}, "colour"),
])  # fmt: skip
def test_an_option_of_the_wrong_type_is_named(api, data, name):
    status, code, text = refusal(api.post(PLACE, data))
    assert (status, code) == (400, "request.invalid")
    assert text.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "body", [{"amount": "many"}, {"amount": None}, 7, None, [], "x", {"amount": 10**5000}]
)
def test_a_body_that_does_not_fit_its_queue_is_refused(api, body):
    text = json.dumps({"body": body}) if body != {"amount": 10**5000} else '{"body": {"amount": 1e5000}}'
    status, code, _ = refusal(raw(api, text))
    assert (status, code) == (400, "queue.message_invalid")


@pytest.mark.parametrize("content", [
    b"{", b'{"body": {}', b"{'body': {}}", b'{"body": NaN}', b'\xff\xfe{"body"', b'{"body": ' + b"1" * 5000 + b"}",
    b'{"body": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
])  # fmt: skip
def test_malformed_json_is_refused(api, content):
    status, code, text = refusal(raw(api, content))
    assert (status, code) == (400, "request.parse_error")
    assert text.startswith("JSON parse error")


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": "\\u0000"}', '{"a": 1e999}'])
def test_what_no_database_could_keep_is_refused(api, text):
    answer = api.client.post(
        f"{ROOT}/counter/main/queue/anything/", f'{{"body": {text}}}', content_type="application/json"
    )
    assert refusal(answer)[:2] == (400, "queue.message_invalid")


def test_what_utf_8_has_no_form_for_is_left_out_of_what_is_told(api):
    """Half a surrogate pair, which JSON can bring as an escape."""

    class Finder(Actor):
        exposed = True

        @action
        def find(self, name: Any) -> None:
            raise Forbidden(f"There is no {name}.", name=name)

    place = f"{ROOT}/finder/main/actions/find/"
    answer = api.client.post(place, '{"args": ["\\ud800"]}', content_type="application/json")
    assert refusal(answer) == (403, "auth.forbidden", "There is no ?.")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_what_is_not_json_is_refused(api, kind):
    assert refusal(raw(api, b"body=1", kind))[:2] == (415, "request.unsupported_media_type")


def test_an_answer_of_another_kind_is_not_had(api):
    assert refusal(raw(api, b'{"body": {}}', accept="application/pdf"))[:2] == (406, "request.not_acceptable")


def test_a_huge_request_is_refused_before_it_is_read(api):
    """What stands in it is not even looked at: it is no JSON."""
    status, code, text = refusal(raw(api, b"x" * (largest_body() + 1)))
    assert (status, code) == (413, "request.too_large")
    assert str(largest_body()) in text
    assert refusal(raw(api, b"x" * largest_body()))[0] == 400


def test_a_huge_request_of_a_session_is_refused_before_a_csrf_token_is_looked_for_in_it(api, make_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())
    assert refusal(raw(Api(client=client), b"x" * (largest_body() + 1)))[:2] == (413, "request.too_large")


@pytest.mark.parametrize("encoding", ["chunked", "Chunked"])
def test_a_request_without_a_length_is_refused(api, encoding):
    answer = api.client.generic("POST", f"{ROOT}/{PLACE}", b"", headers={"transfer-encoding": encoding})
    assert refusal(answer)[:2] == (411, "request.length_required")


def test_a_charset_unpacks_nothing(api):
    packed = zlib.compress(b'{"body": {}}' + b" " * 10_000)
    answer = api.client.generic(
        "POST", f"{ROOT}/{PLACE}", packed, content_type="application/json; charset=zlib"
    )
    assert refusal(answer)[0] in (400, 415)


@pytest.mark.parametrize("key", ["~00", "%00", "a~00b"])
def test_nul_in_a_list_s_filter_is_refused(make_user, key):
    staff = Api(make_user(is_staff=True))
    assert refusal(staff.get(f"counter/?key={key}"))[0] == 400


def test_a_message_that_is_too_large_is_refused(api):
    assert refusal(api.post("counter/main/queue/anything/", {"body": {"a": "x" * 66_000}}))[:2] == (
        413, "queue.message_too_large",
    )  # fmt: skip


def test_the_largest_message_gets_through_however_it_is_escaped(api):
    text = '{"body": {"a": "' + "\\u0041" * 65_000 + '"}}'
    answer = api.client.post(f"{ROOT}/counter/main/queue/anything/", text, content_type="application/json")
    assert answer.status_code == 202


@pytest.mark.parametrize(("place", "code"), [
    ("nobody/x/queue/take/", "actor.unknown_type"),
    ("counter/x/queue/nothing/", "queue.unknown"),
])  # fmt: skip
def test_what_is_unknown_is_not_found(api, place, code):
    assert refusal(api.post(place, {"body": {}}))[:2] == (404, code)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
@pytest.mark.parametrize(
    "place",
    ["counter/x/nothing/", "counter/x/queue/", "counter/x/queue/a/b/c", "/", "//", "counter/a%0Ab/nothing"],
)
def test_an_address_that_matches_nothing_is_told_in_the_wires_form(api, method, place):
    answer = getattr(api.client, method)(f"{ROOT}/{place}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/json"
    if method != "head":
        assert refusal(answer)[1:] == ("request.not_found", "There is nothing at this address.")


def test_nothing_is_a_page_for_a_browser_and_the_wires_form_under_asgi(api):
    page = api.get("counter/x/nothing/", accept="text/html")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing at this address." in page.content.decode()
    answer = asyncio.run(AsyncClient().get(f"{ROOT}/counter/x/nothing/"))
    assert refusal(answer)[:2] == (404, "request.not_found")


@pytest.mark.parametrize(("method", "status"), [("get", 301), ("head", 301), ("post", 404)])
def test_djangos_appended_slash_still_leads_to_the_projects_own_pages(
    api, settings, monkeypatch, method, status
):
    views = [
        path("api/docs/a/b/", lambda request: HttpResponse("page")),
        path("api/", include("actorqueues.api.urls")),
    ]
    monkeypatch.setattr(webhook_urls, "urlpatterns", views)
    clear_url_caches()
    settings.ROOT_URLCONF = webhook_urls.__name__
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]
    answer = getattr(api.client, method)("/api/docs/a/b?page=2")
    assert answer.status_code == status
    if status == 301:
        assert answer["Location"] == "/api/docs/a/b/?page=2"
    nothing = api.client.get("/api/docs/a/c")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
    assert api.client.get("/api").status_code == 301
    clear_url_caches()


def test_what_is_not_exposed_looks_like_what_is_not_there(api, make_user):
    staff = Api(make_user(is_staff=True))
    for one in (api, staff):
        for hidden, absent in (("secret/x/queue/take", "absent/x/queue/take"),
                               ("counter/x/queue/hidden", "counter/x/queue/absent"),
                               ("secret/x", "absent/x"), ("secret", "absent")):  # fmt: skip
            there, not_there = (refusal(one.post(f"{path}/", {"body": {}})) for path in (hidden, absent))
            names = {"secret": "absent", "hidden": "absent"}
            said = there[2]
            for name, other in names.items():
                said = said.replace(name, other)
            assert (there[0], there[1], said) == not_there
            assert there[0] == 404


@pytest.mark.parametrize(
    "key", ["~2", "a,,b", "x" * 129, ",".join("y" * 128 for _ in range(9)), "~00", "~ED~A0~80"]
)
def test_a_key_that_is_none_is_refused(api, key):
    assert refusal(api.post(f"counter/{key}/queue/increment/", {"body": {}}))[:2] == (
        400,
        "actor.key_invalid",
    )


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_idempotency_key_has_a_length(api, key):
    assert refusal(raw(api, b'{"body": {}}', **{"idempotency-key": key}))[0] == 400


def test_a_full_queue_says_when_to_come_again(api):
    assert api.post("counter/main/queue/few/").status_code == 202
    answer = api.post("counter/main/queue/few/")
    assert (answer.status_code, answer.json()["group"], answer.json()["code"]) == (429, "queue", "full")
    assert answer["Retry-After"] == "1"
    assert Message.objects.count() == 1


def test_a_method_that_is_not_there_is_refused(api):
    answer = api.get(PLACE)
    assert refusal(answer)[:2] == (405, "request.method_not_allowed")


# Who may


class Members(Actor):
    abstract = True
    exposed = True
    permission_classes = [IsAuthenticated]

    @handler
    def take(self) -> None: ...


@pytest.mark.parametrize(("classes", "status"), [([BasicAuthentication], 401), ([], 403)])
def test_who_must_log_in_is_told_so(api, make_user, monkeypatch, classes, status):
    class Club(Members): ...

    monkeypatch.setattr(WebView, "authentication_classes", classes or WebView.authentication_classes)
    answer = api.post("club/x/queue/take/")
    assert refusal(answer)[0] == status
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    make_user()
    login = base64.b64encode(b"ann@example.com:wrong").decode()
    assert refusal(api.post("club/x/queue/take/", authorization=f"Basic {login}"))[0] == status
    login = base64.b64encode(b"ann:secret").decode()
    assert api.post("club/x/queue/take/", authorization=f"Basic {login}").status_code == 202


def test_each_hook_is_asked(api, make_user):
    class Inbox(Members):
        @classmethod
        def can_connect(cls, access):
            return access.key == (access.user_id,)

        @classmethod
        def can_publish(cls, access, queue):
            if access.params.get("mood") == "bad":
                raise Forbidden("Not in this mood.")
            return True

    ann = make_user()
    api = Api(ann)
    assert refusal(api.post("inbox/somebody/queue/take/"))[:2] == (403, "auth.forbidden")
    assert refusal(api.post(f"inbox/{ann.pk}/queue/take/?mood=bad")) == (
        403,
        "auth.forbidden",
        "Not in this mood.",
    )
    assert api.post(f"inbox/{ann.pk}/queue/take/").status_code == 202
    assert refusal_of_reading(Api(make_user("ben")), f"inbox/{ann.pk}/") == 403


def refusal_of_reading(api, place):
    return api.get(place).status_code


def test_who_may_not_create_reaches_only_what_is_there(api, make_user):
    class Desk(Actor):
        exposed = True

        @handler
        def take(self) -> None: ...

        @classmethod
        def can_create(cls, access):
            return access.is_staff

    assert refusal(api.post("desk/x/queue/take/"))[:2] == (404, "actor.not_found")
    assert refusal(api.post("desk/x/"))[0] == 403
    assert Api(make_user(is_staff=True)).post("desk/x/").status_code == 201
    assert api.post("desk/x/queue/take/").status_code == 202


def test_a_session_needs_its_csrf_token(make_user):
    client = Client(enforce_csrf_checks=True)
    answer = Api(make_user(), client).post(PLACE, {"body": {}})
    assert refusal(answer)[:2] == (403, "auth.forbidden")
    assert "CSRF" in answer.json()["message"]


def test_the_projects_throttles_apply(api, monkeypatch):
    class Rarely(UserRateThrottle):
        rate = "2/min"

        def get_cache_key(self, request, view):
            return f"rarely-{id(api)}"

    monkeypatch.setattr(WebView, "throttle_classes", [Rarely])
    answers = [api.post(PLACE, {"body": {}}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "throttled"
    assert 0 < int(answers[2]["Retry-After"]) <= 60


# Without a database


@only_postgresql
def test_without_its_database_nothing_is_stored_and_the_client_is_told(backend, api, tmp_path):
    connection = connections[backend]
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(tmp_path)  # nobody listens there
    try:
        answer = api.post(PLACE, {"body": {}})
    finally:
        connection.close()
        connection.settings_dict["HOST"] = host
    assert refusal(answer)[:2] == (503, "database.unavailable")
    assert answer["Retry-After"] == "1"
    assert api.post(PLACE, {"body": {}}).status_code == 202


@only_postgresql
@pytest.mark.parametrize("options", [{}, {"wait": True, "timeout": 500}, {"dedupe": "7"}, {"delay": 5}])
def test_a_replica_that_only_reads_stores_nothing_and_the_client_is_told(backend, api, monkeypatch, options):
    connection = connections[backend]
    connection.close()
    read_only = {**connection.settings_dict["OPTIONS"], "options": "-c default_transaction_read_only=on"}
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "OPTIONS", read_only)
        answers = [api.post(PLACE, {"body": {}, **options}), api.post("counter/main/")]
        assert api.get("").status_code == 200
        connection.close()
    for answer in answers:
        assert refusal(answer)[:2] == (503, "database.unavailable")
        assert answer["Retry-After"] == "1"
    assert not Deduplication.objects.exists()
    assert api.post(PLACE, {"body": {}}).status_code == 202


@only_postgresql
def test_a_statement_in_a_failed_transaction_is_a_mistake_and_not_the_databases(backend, api, counter):
    def can_publish(cls, access, queue):
        with transaction.atomic(using=backend):
            with suppress(DatabaseError):
                Message.objects.raw("SELECT nothing FROM nowhere")[0]
            connections[backend].cursor().execute("SELECT 1")
        return True

    counter.can_publish = classmethod(can_publish)
    assert refusal(api.post(PLACE, {"body": {}}))[:2] == (500, "internal.error")


@only_sqlite
@pytest.mark.parametrize("options", [{}, {"wait": True, "timeout": 500}, {"dedupe": "7"}, {"delay": 5}])
def test_a_file_that_cannot_be_read_now_is_told_too(backend, api, options):
    connection = connections[backend]
    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: True, 1)  # every statement fails
    try:
        answer = api.post(PLACE, {"body": {}, **options})
    finally:
        connection.connection.set_progress_handler(None, 1)
    assert refusal(answer)[:2] == (503, "database.unavailable")
    assert not Message.objects.exists()
