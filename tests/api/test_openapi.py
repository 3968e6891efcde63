"""The OpenAPI document: valid, with each actor's own schemas; and the servers keep to it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema
from pydantic import BaseModel

from actorqueues import Actor, Queue, action
from actorqueues.api.json_schemas import Schemas
from actorqueues.definitions.schema import Schema
from tests.api.test_servers import Server
from tests.processes.evidence import QUICK

HOOK = "actorqueues.api.openapi.add_actors"
EXAMPLES = int(os.environ.get("AQ_OPENAPI_EXAMPLES", "50"))  # of each operation


def document(version="3.1.1"):
    with patched_settings({"OAS_VERSION": version, "POSTPROCESSING_HOOKS": [HOOK], "TITLE": "Test"}):
        return SchemaGenerator().get_schema(request=None, public=True)


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
    assert {path for path in paths if "queue" in path} == {
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


def without_long_waits(told):
    """What is delayed for years and waited for takes as long as the client wants: here only a moment."""
    for path, operations in told["paths"].items():
        if "/queue/" in path:
            content = operations["post"]["requestBody"]["content"]["application/json"]
            content["schema"]["properties"]["timeout"]["maximum"] = 50
    return told


def test_schemathesis_finds_nothing(backend, playground_registry, worker_process, tmp_path):
    impatient = {**QUICK, "WAIT_TIMEOUT": 0.05}
    server = Server(worker_process, "daphne", settings=impatient)
    worker_process("--no-supervise", settings=QUICK)
    place = tmp_path / "openapi.json"
    place.write_text(json.dumps(without_long_waits(document()), default=str))
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    run = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run", place, "--url", server.address, "--checks", checks,
         "--max-examples", str(EXAMPLES), "--generation-deterministic", "--phases", "examples,coverage,fuzzing",
         "--exclude-path-regex", "messages", "--request-timeout", "70"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60 + EXAMPLES, check=False,
    )  # fmt: skip
    print(run.stdout[-1500:])
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
