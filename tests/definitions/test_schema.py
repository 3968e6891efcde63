import base64
import json
from collections import UserDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, computed_field
from typing_extensions import TypedDict

from actorqueues.definitions import schema as schema_module
from actorqueues.definitions.schema import Schema, SchemaError


class Inner(BaseModel):
    factor: float | None = 1.0
    raw: bytes = b""


class Outer(BaseModel):
    inner: Inner = Inner()
    inners: list[Inner] = []
    text: str = ""
    secret: SecretStr | None = None
    anything: Any = None
    price: Decimal = Decimal(1)
    at: datetime | None = None
    default: float = 0  # a field named like a key of pydantic's own schemas


@dataclass
class Point:
    x: float
    label: bytes = b""


class Row(TypedDict):
    ratio: float


class Increment(BaseModel):
    amount: int


def test_an_instance_and_what_it_is_made_from_are_stored_alike():
    schema = Schema(Increment)
    stored = '{"amount":5}'
    assert schema.dump(Increment(amount=5)) == stored
    assert schema.dump({"amount": 5}) == stored
    assert schema.dump({"amount": "5"}) == stored
    assert schema.dump(UserDict(amount=5)) == stored
    assert schema.load(stored) == Increment(amount=5)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 5),
        (str, "é😀"),
        (list[Increment], [Increment(amount=1)]),
        (dict[int, str], {1: "one"}),
        (tuple[int, ...], (1, 2)),
        (set[int], {1, 2}),
        (Increment | None, None),
        (datetime, datetime(2026, 1, 2, tzinfo=UTC)),
        (date, date(2026, 1, 2)),
        (Decimal, Decimal("0.10")),
        (UUID, UUID(int=7)),
        (bytes, b"\xff\x00\xfe"),
        (Point, Point(1.5, b"\xff")),
        (Row, {"ratio": 0.5}),
        (Inner, Inner(raw=b"\xff\xfe")),
        (list[Inner], [Inner(raw=b"\xff\xfe")]),
        (dict[str, Point], {"a": Point(1.0, b"\xfa")}),
    ],
)
def test_what_is_stored_is_what_is_delivered(annotation, value):
    schema = Schema(annotation)
    assert schema.load(schema.dump(value)) == value


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner)
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_json_comes_back_as_it_was(value):
    schema = Schema(Any)
    assert schema.load(schema.dump(value)) == value


def test_bytes_travel_as_base64_in_nested_models_too():
    stored = json.loads(Schema(Outer).dump(Outer(inner=Inner(raw=b"\xff\xfe\xfd"))))
    assert base64.urlsafe_b64decode(stored["inner"]["raw"]) == b"\xff\xfe\xfd"


@pytest.mark.parametrize("text", ["_-8=", "/+8="])
def test_both_alphabets_of_base64_are_read(text):
    schema = Schema(Inner)
    assert schema.load(json.dumps({"raw": text})).raw == b"\xff\xef"


def test_decimal_and_datetime_travel_as_strings():
    stored = json.loads(Schema(Outer).dump({"price": "0.10", "at": "2026-01-02T03:04:05Z"}))
    assert stored["price"] == "0.10"
    assert stored["at"] == "2026-01-02T03:04:05Z"


def test_aliases_are_stored_and_read():
    class Aliased(BaseModel):
        model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
        order_id: int = Field(alias="orderId")

    schema = Schema(Aliased)
    assert schema.dump(Aliased(order_id=3)) == '{"orderId":3}'
    assert schema.load('{"orderId":3}').order_id == 3


def test_computed_fields_are_not_stored():
    class Area(BaseModel):
        model_config = ConfigDict(extra="forbid")
        side: int

        @computed_field
        @property
        def area(self) -> int:
            return self.side**2

    assert Schema(Area).dump(Area(side=3)) == '{"side":3}'


def test_recursive_models_are_taken():
    schema = Schema(Tree)
    assert schema.load(schema.dump({"children": [{"weight": 1.0}]})).children[0].weight == 1.0
    with pytest.raises(SchemaError, match=r"children\.0\.weight: NaN"):
        schema.dump({"children": [{"weight": float("nan")}]})


class Tree(BaseModel):
    weight: float | None = None
    children: list["Tree"] = []


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ({"text": "a\0b"}, "text", "NUL"),
        ({"anything": {"a": ["\0"]}}, "anything.a.0", "NUL"),
        ({"anything": {"\0": 1}}, "anything", "NUL"),
        ({"text": "\ud800"}, "text", "surrogate"),
        (Outer.model_construct(text="\ud800"), "text", "surrogate"),
        ({"anything": [{"x": "\udfff"}]}, "anything.0.x", "surrogate"),
        ({"default": float("nan")}, "default", "NaN"),
        ({"inner": {"factor": float("inf")}}, "inner.factor", "infinity"),
        (Outer(inners=[Inner(), Inner(factor=float("-inf"))]), "inners.1.factor", "infinity"),
        ({"anything": [1, float("nan")]}, "anything.1", "NaN"),
        (Outer(anything={"x": Inner(factor=float("nan"))}), "anything.x.factor", "NaN"),
        (Outer(secret=SecretStr("hunter2")), "secret", "secret"),
        ({"anything": {"password": SecretStr("hunter2")}}, "anything.password", "secret"),
        ({"text": 5}, "text", "valid string"),
        ({"inners": [{"raw": 1}]}, "inners.0.raw", "bytes"),
        ({"anything": {"x": object()}}, "anything.x", "object"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_path(value, path, problem):
    with pytest.raises(SchemaError, match=problem) as caught:
        Schema(Outer).dump(value)
    assert ".".join(map(str, caught.value.path)).rstrip(".\0") == path
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["a\\u0000b", "NaN", "Infinity", "**********", "null"])
def test_text_that_only_looks_like_it_is_stored(text):
    schema = Schema(Outer)
    assert schema.load(schema.dump({"text": text, "anything": [text]})).text == text


def test_a_model_that_became_invalid_after_it_was_made_is_refused():
    body = Increment(amount=1)
    body.amount = "many"  # type: ignore[assignment]
    with pytest.raises(SchemaError, match="amount"):
        Schema(Increment).dump(body)


@pytest.mark.parametrize("text", ["", "{", '{"amount": 1e400}', '{"amount": "x"}', "[]", "null"])
def test_text_that_does_not_fit_is_refused(text):
    with pytest.raises(SchemaError):
        Schema(Increment).load(text)


@pytest.mark.parametrize("text", ['{"a": 1e400}', '{"a": NaN}', '["\\u0000"]', '["\\ud800"]'])
def test_json_from_outside_is_held_to_the_same_rules(text):
    schema = Schema(Any)
    with pytest.raises(SchemaError):
        schema.dump(schema.load(text))


def test_json_from_outside_is_rewritten_compactly():
    schema = Schema(Increment)
    assert schema.dump(schema.load(b'{ "amount" : "5", "more": 1 }')) == '{"amount":5}'


def test_something_that_contains_itself_is_refused():
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(SchemaError, match=r"[Cc]ircular|recursi"):
        Schema(Any).dump(ring)


def test_huge_integers_are_refused_and_do_not_crash():
    with pytest.raises(SchemaError):
        Schema(Any).dump(10**5000)


def test_the_models_own_configuration_is_left_alone():
    Schema(Outer).dump(Outer())
    assert Outer(inner=Inner(factor=float("nan"))).model_dump_json().startswith('{"inner":{"factor":null')


def test_nan_is_refused_even_if_pydantic_insists_on_the_models_own_rules(monkeypatch):
    def without_private_option(compiled):
        def make(schema, config, **options):
            if options:
                raise TypeError("unexpected keyword argument")
            return compiled(schema, config)

        return make

    for name in ("SchemaValidator", "SchemaSerializer"):
        monkeypatch.setattr(schema_module, name, without_private_option(getattr(schema_module, name)))
    with pytest.raises(SchemaError, match=r"inners\.0\.factor: NaN"):
        Schema(Outer).dump(Outer(inners=[Inner(factor=float("nan"))]))
