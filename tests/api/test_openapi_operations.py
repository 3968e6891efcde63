"""What the OpenAPI document says of each operation is what the edge takes and answers."""

import re
from decimal import Decimal
from typing import Annotated, Any

import pytest
from drf_spectacular.validation import validate_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, computed_field
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly

from actorqueues import Actor, Queue, action
from actorqueues.api.parameters import KEY_PATTERN
from actorqueues.definitions.keys import MAX_PART_BYTES, normalise_key
from actorqueues.definitions.segments import decode_segment
from actorqueues.exceptions import KeyInvalid
from tests.api.test_openapi import document


class Row(BaseModel):
    number: int
    data: bytes = b""

    @computed_field
    @property
    def double(self) -> int:
        return 2 * self.number


class Book(BaseModel):
    rows: list[Row] = []


class Shelf(BaseModel):
    colour: str


@pytest.fixture
def depot(empty_registry):
    class Depot(Actor[Book]):
        exposed = True
        put = Queue(Row)

        async def run(self): ...

        @action(safe=True)
        def find(
            self,
            start: str,
            limit: Annotated[int, Field(ge=1)] = 10,
            like: Row | None = None,
            *,
            deep: bool = False,
            upto: int | None = None,
        ) -> "list[Row]":
            return [Row(number=number) for number in range(limit)]  # fmt: skip

        @action
        async def move(self, row: Row, /, to: Shelf, *more: str, **named: int) -> Shelf:
            return to

        @action(safe=True)
        def weigh(self, row: Row) -> Decimal:
            return Decimal(row.number)

        @action(safe=True)
        def nth(self, number: int, /) -> Any:
            return number

        @action
        def odd(self, anything, other: object = None): ...

    return Depot


@pytest.fixture
def told(depot):
    found = document()
    validate_schema(found)
    return found


def resolved(told, node):
    while "$ref" in node:
        _, kind, name = node["$ref"].rsplit("/", 2)
        node = told["components"][kind][name]
    return node


def operation(told, path, method="post"):
    return told["paths"][f"/api/actors/depot/{path}"][method]


def content(part):
    return part["content"]["application/json"]["schema"]


def accepts(told, schema, value):
    return Draft202012Validator({**schema, "components": told["components"]}).is_valid(value)


BY_NAME, BY_PLACE = {"kwargs": {"start": "a"}}, {"args": ["a", 3]}


@pytest.mark.parametrize(("name", "call", "fits"), [
    ("find", BY_NAME, True),
    ("find", BY_PLACE, True),
    ("find", {"args": ["a", 3, {"number": 1}], "kwargs": {"deep": True}}, True),
    ("find", {}, False),
    ("find", {"args": ["a", 0]}, False),
    ("find", {"args": ["a", 3, None, True]}, False),
    ("find", {"kwargs": {"start": "a", "end": "b"}}, False),
    ("find", {"kwargs": {"start": "a", "like": {"data": ""}}}, False),
    ("move", {"args": [{"number": 1}], "kwargs": {"to": {"colour": "red"}, "n": 1}}, True),
    ("move", {"args": [{"number": 1}, {"colour": "red"}, "x", "y"]}, True),
    ("move", {"args": [{"number": 1}]}, False),
    ("move", {"kwargs": {"row": {"number": 1}, "to": {"colour": "red"}}}, False),
    ("move", {"args": [{"number": 1}, {"colour": "red"}, {}]}, False),
    ("odd", {"args": [{"any": ["thing"]}]}, True),
    ("odd", {}, False),
])  # fmt: skip
def test_arguments_are_described_as_they_are_taken(told, depot, api, name, call, fits):
    schema = content(operation(told, f"{{key}}/actions/{name}/")["requestBody"])
    assert accepts(told, schema, call) == fits
    depot.create("x")
    assert api.post(f"depot/x/actions/{name}/", call).status_code == (200 if fits else 400)


def test_results_and_states_are_described(told, depot, api):
    depot.create("x")
    answer = api.post("depot/x/actions/find/", {"args": ["a", 1]}).json()
    assert answer == {"output": [{"number": 0, "data": ""}]}  # nothing that is computed
    output = content(operation(told, "{key}/actions/find/")["responses"]["200"])
    assert accepts(told, output, answer)
    assert not accepts(told, output, {"output": [{"data": ""}]})
    weight = content(operation(told, "{key}/actions/weigh/")["responses"]["200"])
    assert accepts(told, weight, {"output": "1.5"})
    assert not accepts(told, weight, {"output": True})
    state = content(operation(told, "{key}/", "get")["responses"]["200"])["properties"]["state"]
    assert accepts(told, state, {"rows": [{"number": 1, "data": "AA=="}]})
    assert not accepts(told, state, {"rows": [{"number": "one"}]})
    assert resolved(told, state["properties"]["rows"]["items"])["properties"]["data"] == {
        "type": "string", "contentEncoding": "base64", "default": "", "title": "Data",
    }  # fmt: skip


def test_a_state_that_is_not_exposed_is_not_described(empty_registry):
    class Depot(Actor[Book]):
        exposed = ["put"]
        put = Queue(str)

        async def run(self): ...

    told = document()
    assert "state" not in content(operation(told, "{key}/", "get")["responses"]["200"])["properties"]


def test_what_a_query_can_give_is_described(told, depot, api):
    found = {one.get("name"): one for one in operation(told, "{key}/actions/find/", "get")["parameters"]}
    assert {name: one["required"] for name, one in found.items() if name} == {
        "start": True, "limit": False, "deep": False, "upto": False,
    }  # fmt: skip
    assert found["limit"]["schema"] == {"type": "integer", "minimum": 1, "default": 10}
    assert not accepts(told, found["upto"]["schema"], None)
    [number] = operation(told, "{key}/actions/nth/", "get")["parameters"][1:]
    assert (number["name"], number["required"]) == ("args", True)
    assert "get" not in told["paths"]["/api/actors/depot/{key}/actions/weigh/"]  # no text is a row
    depot.create("x")
    assert len(api.get("depot/x/actions/find/?start=a&limit=2&deep=true&upto=3").json()["output"]) == 2
    assert api.get("depot/x/actions/nth/?args=7").json() == {"output": 7}


def test_lists_are_described_with_their_filters_and_pages(told):
    listing = operation(told, "", "get")
    assert {one["name"] for one in listing["parameters"]} == {"key", "status", "cursor", "limit"}
    page = {"next": None, "previous": "http://testserver/?cursor=a", "results": []}
    assert accepts(told, content(listing["responses"]["200"]), page)
    assert not accepts(told, content(listing["responses"]["200"]), {**page, "results": [{}]})


def test_a_dedupe_key_is_as_long_as_one_may_be(told, depot, api):
    schema = content(operation(told, "{key}/queue/put/")["requestBody"])
    for length, fits in ((MAX_PART_BYTES, True), (MAX_PART_BYTES + 1, False)):
        sent = {"body": {"number": 1}, "dedupe": "d" * length}
        assert accepts(told, schema, sent) == fits
        assert api.post("depot/x/queue/put/", sent).status_code == (202 if fits else 400)


def test_every_operation_says_how_it_may_refuse(told):
    refused = {"group": "queue", "code": "full", "message": "", "metadata": {}}
    for path, methods in told["paths"].items():
        for method, described in methods.items():
            assert "default" not in described["responses"], (path, method)
            errors = {int(status) for status in described["responses"] if int(status) >= 400}
            assert errors >= {401, 403, 404, 406, 429, 503}
            assert ({411, 413, 415} <= errors) == (method == "post")
            for status in map(str, errors):
                schema = content(resolved(told, described["responses"][status]))
                assert accepts(told, schema, refused)
                assert not accepts(told, schema, {"detail": "no"})
    assert "409" in operation(told, "{key}/queue/put/")["responses"]
    assert "Retry-After" in resolved(told, operation(told, "{key}/queue/put/")["responses"]["429"])["headers"]


# Keys


def is_key(segment):
    try:
        normalise_key(decode_segment(segment))
    except KeyInvalid:
        return False
    return True


NO_SURROGATES = st.characters(exclude_characters="/", exclude_categories=["Cs"])
ESCAPES = ["~2F", "~00", "~c3~a9", "~C3é", "~ED~A0~80", "~C0~80", "~F0~9F~98~80", "~F4~90~80~80", "~E0~80~80"]
PIECES = st.one_of(
    st.sampled_from([*ESCAPES, "~", "~~", ",", "..", "\n"]),
    st.builds("~{:02X}".format, st.integers(0, 255)),
    st.text(NO_SURROGATES, max_size=3),
)


@settings(max_examples=2000, deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join))
def test_keys_are_described_as_they_are_read(segment):
    matches = re.search(KEY_PATTERN.removesuffix("$") + r"\Z", segment) is not None
    assert matches == is_key(segment)


# Who may come in


@pytest.mark.parametrize(("classes", "reading", "sending"), [
    (None, True, True),
    ([], True, True),
    ([IsAuthenticated], False, False),
    ([IsAuthenticatedOrReadOnly], True, False),
])  # fmt: skip
def test_the_projects_authentication_is_described_with_the_actors_permissions(
    depot, classes, reading, sending
):
    depot.permission_classes = classes
    told = document()
    assert told["components"]["securitySchemes"] == {
        "basicAuth": {"type": "http", "scheme": "basic"},
        "cookieAuth": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
    }
    users = [{"cookieAuth": []}, {"basicAuth": []}]
    for path, method, anonymous in (
        ("{key}/", "get", reading),
        ("{key}/queue/put/", "post", sending),
        ("", "get", False),  # staff, where no hook says else
        ("{key}/", "delete", False),
    ):
        assert operation(told, path, method)["security"] == users + [{}] * anonymous
    assert told["paths"]["/api/actors/"]["get"]["security"] == [*users, {}]


def test_hooks_open_lists_to_anyone(depot):
    depot.can_list = classmethod(lambda cls, access: True)
    assert {} in operation(document(), "", "get")["security"]
    assert {} not in operation(document(), "{key}/", "delete")["security"]
