"""The OpenAPI document: valid, with each actor's own schemas; and the servers keep to it."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema
from pydantic import BaseModel
from rest_framework.versioning import NamespaceVersioning, URLPathVersioning

from actorqueues import Actor, Queue, action
from actorqueues.api.json_schemas import Schemas
from actorqueues.definitions.schema import Schema
from actorqueues.models import Outcome
from actorqueues.web.views import WebView
from tests.api import real_messages
from tests.api.test_servers import Server
from tests.fixtures.processes import PROJECT
from tests.playground.actors import Tally
from tests.processes.evidence import QUICK

HOOK = "actorqueues.api.openapi.add_actors"
CASES = int(os.environ.get("AQ_OPENAPI_CASES", "500"))  # at least
PER_OPERATION = CASES // 15  # in each of two runs; GETs without parameters have one case
LONGEST = 100 + CASES // 12  # seconds, on a machine that has others to serve too
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance"
)
PHASES = ("coverage,fuzzing,stateful", "fuzzing")  # of two runs; stateful is along links


def document(version="3.1.1", **options):
    """``options`` of the generator: ``patterns``, ``api_version``."""
    with patched_settings({"OAS_VERSION": version, "POSTPROCESSING_HOOKS": [HOOK], "TITLE": "Test"}):
        return SchemaGenerator(**options).get_schema(request=None, public=True)


def pair():
    class Inner(BaseModel):
        a: int

    class Outer(BaseModel):
        inner: Inner
        data: bytes = b""

    first, first_inner = Outer, Inner

    class Inner(BaseModel):
        b: str

    return first, first_inner, Inner


def test_every_exposed_actor_has_its_own_schemas(empty_registry):
    outer, inner, other_inner = pair()

    class Depot(Actor):
        exposed = ["put", "other", "look"]
        put = Queue(outer, reply=inner)
        other = Queue(other_inner)
        hidden = Queue(str)

        async def run(self): ...

        @action(safe=True)
        def look(self) -> int:
            return 1

    class Private(Actor):
        secret = Queue(str)

        async def run(self): ...

    told = document()
    validate_schema(told)
    paths, models = told["paths"], told["components"]["schemas"]
    assert {place for place in paths if "queue" in place} == {
        "/api/actors/depot/{key}/queue/put/", "/api/actors/depot/{key}/queue/other/",
    }  # fmt: skip
    assert set(paths["/api/actors/depot/{key}/actions/look/"]) == {"get", "post"}
    sent = paths["/api/actors/depot/{key}/queue/put/"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert sent["properties"]["body"]["properties"]["data"]["contentEncoding"] == "base64"
    assert sent["properties"]["body"]["properties"]["inner"] == {"$ref": "#/components/schemas/Inner"}
    assert set(models["Inner"]["properties"]) == {"a"}
    assert "private" not in json.dumps(told)


def test_two_models_of_one_name_stay_two():
    _, inner, other = pair()
    schemas = Schemas()
    schemas.of(Schema(list[inner]))
    assert schemas.of(Schema(list[other])) == {
        "items": {"$ref": "#/components/schemas/Inner2"},
        "type": "array",
    }
    assert schemas.of(Schema(list[inner]))["items"] == {"$ref": "#/components/schemas/Inner"}
    assert set(schemas.components["Inner2"]["properties"]) == {"b"}


def test_openapi_3_0_is_refused_with_what_to_write(empty_registry):
    with pytest.raises(ImproperlyConfigured, match="OAS_VERSION"):
        document("3.0.3")


ACTORS = path("actors/", include("actorqueues.api.urls"))
VERSIONS = [path(f"{name}/", include(([ACTORS], name))) for name in ("v1", "v2")]


@pytest.mark.parametrize(
    ("scheme", "patterns", "root"),
    [
        (None, [path("api/<tenant>/", include([ACTORS]))], "/api/{tenant}/actors/"),
        (None, [path("a/", include([ACTORS])), path("b/", include([ACTORS]))], "/a/actors/"),
        (None, VERSIONS, "/v1/actors/"),
        (NamespaceVersioning, VERSIONS, "/v2/actors/"),
        (URLPathVersioning, [path("api/<version>/", include([ACTORS]))], "/api/v2/actors/"),
    ],
)
def test_paths_begin_where_it_is_mounted(empty_registry, monkeypatch, scheme, patterns, root):
    class Depot(Actor):
        exposed = True
        put = Queue(str)

        async def run(self): ...

    monkeypatch.setattr(WebView, "versioning_class", scheme)
    told = document(patterns=patterns, api_version="v2")
    validate_schema(told)
    assert root in told["paths"]
    assert {one[: len(root)] for one in told["paths"]} == {root}
    outer = ["tenant"] if "tenant" in root else []
    sent = told["paths"][f"{root}depot/{{key}}/queue/put/"]["post"]
    assert [one["name"] for one in sent["parameters"] if "name" in one] == [*outer, "Idempotency-Key"]
    for link in sent["responses"]["202"]["links"].values():
        assert set(link["parameters"]) == {*outer, "key", "id"}


def test_other_urls_have_no_actors(empty_registry):
    assert document(patterns=[])["paths"] == {}


def without_long_waits(told):
    """What is delayed for years and waited for takes as long as the client wants: here only a moment."""
    for place, operations in told["paths"].items():
        if "/queue/" in place:
            content = operations["post"]["requestBody"]["content"]["application/json"]
            content["schema"]["properties"]["timeout"]["maximum"] = 50
    return told


def test_what_is_sent_leads_to_its_message(empty_registry):
    class Depot(Actor):
        exposed = True
        put = Queue(str)

        async def run(self): ...

    paths = document()["paths"]
    known = {operation["operationId"] for one in paths.values() for operation in one.values()}
    for response in ("200", "202"):
        links = paths["/api/actors/depot/{key}/queue/put/"]["post"]["responses"][response]["links"]
        assert {link["operationId"] for link in links.values()} == {
            "actors_depot_message", "actors_depot_cancel",
        } <= known  # fmt: skip


@pytest.fixture
def messages(backend, make_user):
    """Of every standing, sent by the user who asks: ``(what can be taken back, (key, id) of all)``."""
    staff = make_user("staff", is_staff=True)
    # Keys that nobody makes up: their actors are not destroyed meanwhile.
    kept = {key: Tally.get_or_create(("kept", key)) for key in ("scheduled", "paused", "settled")}
    kept["paused"].pause()
    scheduled = [kept["scheduled"].send("increment", {}, delay=9999, user=staff) for _ in range(20)]
    others = [(key, kept[key].send("increment", {}, user=staff)) for key in ("paused", "settled") * 5]
    known = [("scheduled", receipt) for receipt in scheduled] + others
    return scheduled, [(f"kept,{key}", receipt.id) for key, receipt in known]


def test_schemathesis_finds_nothing(backend, playground_registry, worker_process, messages, tmp_path):
    scheduled, known = messages
    server = Server(worker_process, "daphne", settings={**QUICK, "WAIT_TIMEOUT": 0.05})
    worker_process("--no-supervise", settings=QUICK)
    place = tmp_path / "openapi.json"
    place.write_text(json.dumps(without_long_waits(document()), default=str))
    (tmp_path / "messages.json").write_text(json.dumps(known))
    with ThreadPoolExecutor(len(PHASES)) as threads:  # schemathesis computes on one core
        runs = list(threads.map(partial(run_schemathesis, tmp_path, server.address), PHASES))
    for run in runs:
        print(run.stdout[-1500:])
        assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    reports = [json.loads((tmp_path / f"{phases}.json").read_text()) for phases in PHASES]
    assert all(told["operations"]["tested"] == told["operations"]["total"] for told in reports)
    assert sum(told["test_cases"]["generated"] for told in reports) >= CASES
    taken_back = Outcome.objects.filter(uid__in=[receipt.id for receipt in scheduled], error="cancelled")
    assert taken_back.exists()  # so it did reach messages that are there


def run_schemathesis(directory, address, phases):
    environment = {
        "PYTHONPATH": str(PROJECT),
        "SCHEMATHESIS_HOOKS": real_messages.__name__,
        real_messages.PLACE: str(directory / "messages.json"),
    }
    return subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run", "openapi.json", "--url", address,
         "--phases", phases, "--checks", CHECKS, "--max-examples", str(PER_OPERATION), "--seed", str(len(phases)),
         "--auth", "staff:secret", "--request-timeout", "70", "--report-json-path", f"{phases}.json"],
        cwd=directory, env={**os.environ, **environment}, capture_output=True, text=True, timeout=LONGEST, check=False,
    )  # fmt: skip
