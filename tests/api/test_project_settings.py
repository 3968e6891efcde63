"""A project's own ``REST_FRAMEWORK`` holds here as anywhere.

DRF binds most of it to classes when they are imported: so each test is a server with settings of its own.
"""

import json

import httpx
import pytest

from actorqueues.models import Message
from tests.api.project_rules import ShopPages, ShopRenderer, ShortPages, own_errors
from tests.api.test_servers import Server
from tests.fixtures.backends import only_sqlite
from tests.playground.actors import Tally

DRF = "rest_framework"
BASIC = [f"{DRF}.authentication.BasicAuthentication"]
STAFF = ("staff", "secret")
PRINT_OPENAPI = "tests.api.print_openapi"
TALLY = "/api/actors/tally/"
QUEUE = f"{TALLY}main/queue/increment/"


def name_of(found):
    return f"{found.__module__}.{found.__qualname__}"


@pytest.fixture
def serve(worker_process, make_user):
    """``serve(PAGE_SIZE=2)``: a client of a server whose ``REST_FRAMEWORK`` says so."""
    make_user("staff", is_staff=True)
    make_user("ann")
    clients = []

    def serve(**rest_framework):
        told = json.dumps({"DEFAULT_AUTHENTICATION_CLASSES": BASIC, **rest_framework})
        server = Server(worker_process, "daphne", env={"AQ_TEST_REST_FRAMEWORK": told})
        clients.append(httpx.Client(base_url=server.address, timeout=30))
        return clients[-1]

    yield serve
    for client in clients:
        client.close()


@only_sqlite
def test_default_permission_classes_hold(backend, serve):
    client = serve(DEFAULT_PERMISSION_CLASSES=[f"{DRF}.permissions.IsAuthenticated"])
    assert client.get("/api/actors/").json() == {"types": []}
    refused = client.post(QUEUE, json={"body": {}})
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    assert client.post(QUEUE, json={"body": {}}, auth=("ann", "wrong")).status_code == 401
    assert Message.objects.count() == 0

    assert client.post(QUEUE, json={"body": {}}, auth=("ann", "secret")).status_code == 202
    assert [one["type"] for one in client.get("/api/actors/", auth=STAFF).json()["types"]] == ["tally"]


@only_sqlite
def test_default_throttles_hold(backend, serve):
    classes = [f"{DRF}.throttling.{kind}RateThrottle" for kind in ("Anon", "User")]
    client = serve(
        DEFAULT_THROTTLE_CLASSES=classes, DEFAULT_THROTTLE_RATES={"anon": "2/hour", "user": "3/hour"}
    )
    for auth, many in ((None, 2), (("ann", "secret"), 3)):
        for _ in range(many):
            assert client.post(QUEUE, json={"body": {}}, auth=auth).status_code == 202
        refused = client.post(QUEUE, json={"body": {}}, auth=auth)
        assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
        assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert Message.objects.count() == 5


@only_sqlite
def test_default_renderer_classes_hold(backend, serve):
    client = serve(DEFAULT_RENDERER_CLASSES=[name_of(ShopRenderer)])
    for answer, status in ((client.post(QUEUE, json={"body": {}}), 202), (client.get(f"{TALLY}no/"), 404)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, ShopRenderer.media_type)
    page = client.get("/api/actors/", headers={"Accept": "text/html"})
    assert (page.status_code, page.json()["code"]) == (406, "not_acceptable")


@only_sqlite
def test_versions_hold_while_bodies_and_errors_have_the_wires_form(backend, serve):
    client = serve(
        DEFAULT_VERSIONING_CLASS=f"{DRF}.versioning.AcceptHeaderVersioning",
        ALLOWED_VERSIONS=["1"],
        DEFAULT_VERSION="1",
        DEFAULT_PARSER_CLASSES=[f"{DRF}.parsers.FormParser"],
        EXCEPTION_HANDLER=name_of(own_errors),
    )
    assert client.post(QUEUE, json={"body": {}}).status_code == 202
    assert client.post(QUEUE, data={"body": "{}"}).status_code == 415
    accept = {"Accept": "application/json; version=2"}
    refused = client.post(QUEUE, json={"body": {}}, headers=accept)
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")


@only_sqlite
def test_the_openapi_document_tells_of_them(backend, worker_process):
    told = json.dumps({
        "DEFAULT_AUTHENTICATION_CLASSES": [f"{DRF}.authentication.TokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": [f"{DRF}.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": [name_of(ShopRenderer), f"{DRF}.renderers.BrowsableAPIRenderer"],
        "DEFAULT_PAGINATION_CLASS": name_of(ShopPages),
    })  # fmt: skip
    process = worker_process.module(PRINT_OPENAPI, env={"AQ_TEST_REST_FRAMEWORK": told})
    assert process.wait() == 0, process.output
    document = json.loads(process.output.splitlines()[-1])
    listing = document["paths"][TALLY]["get"]
    assert {one["name"] for one in listing["parameters"]} == {"key", "status", "from", "limit"}
    assert list(listing["responses"]["200"]["content"]) == [ShopRenderer.media_type]
    assert listing["security"] == [{"tokenAuth": []}]
    assert list(document["components"]["securitySchemes"]) == ["tokenAuth"]
    for refusal in document["components"]["responses"].values():
        assert list(refusal["content"]) == [ShopRenderer.media_type]


# Lists


def make_five():
    for key in "abcde":
        Tally.create(key)


def pages(client, path, rows="results", more="next"):
    """The keys on each page."""
    found = []
    while path:
        page = client.get(path, auth=STAFF).json()
        found.append("".join(one["key"][0] for one in page[rows]))
        path = page[more]
    return found


@only_sqlite
@pytest.mark.parametrize("own", [None, "CursorPagination", "PageNumberPagination", "LimitOffsetPagination"])
def test_page_size_holds_whatever_the_projects_other_lists_are(backend, serve, own):
    client = serve(PAGE_SIZE=2, DEFAULT_PAGINATION_CLASS=own and f"{DRF}.pagination.{own}")
    make_five()
    assert pages(client, TALLY) == ["ab", "cd", "e"]
    assert pages(client, f"{TALLY}?limit=4") == ["abcd", "e"]
    assert "cursor=" in client.get(TALLY, auth=STAFF).json()["next"]


def test_a_projects_cursors_are_used_in_the_order_of_keys(serve):
    client = serve(PAGE_SIZE=2, DEFAULT_PAGINATION_CLASS=name_of(ShopPages))
    make_five()
    assert pages(client, TALLY, "rows", "more") == ["ab", "cd", "e"]
    assert "from=" in client.get(TALLY, auth=STAFF).json()["more"]


@only_sqlite
def test_the_sizes_of_a_projects_cursors_are_its_own(backend, serve):
    client = serve(DEFAULT_PAGINATION_CLASS=name_of(ShortPages))
    make_five()
    assert pages(client, TALLY) == ["ab", "cd", "e"]
    assert pages(client, f"{TALLY}?size=9&limit=1") == ["abc", "de"]
