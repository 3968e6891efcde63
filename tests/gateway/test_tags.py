"""Values to Rivet's JSON and back."""

import json
from decimal import Decimal
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from actorqueues.gateway.tags import LARGEST_NUMBER, TagInvalid, decode, encode

TEXTS = st.text(max_size=8) | st.sampled_from(["$", "$$", "$BigInt", "$$Set", "$Undefined", "$x"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**53 - 3, max_value=2**53 + 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.binary(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(TEXTS, inner).map(list) | st.dictionaries(TEXTS, inner)
    ),
    max_leaves=12,
)


def over_the_wire(value):
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


@given(VALUES)
def test_what_is_encoded_comes_back(value):
    assert over_the_wire(value) == value


@given(VALUES)
def test_no_number_is_beyond_what_javascript_counts(value):
    def look(sent):
        if isinstance(sent, int):
            assert abs(sent) <= LARGEST_NUMBER
        for inner in sent.values() if isinstance(sent, dict) else sent if isinstance(sent, list) else ():
            look(inner)

    look(encode(value))


@given(TEXTS.filter(lambda text: text.startswith("$")), VALUES)
def test_a_real_pair_gets_one_more_dollar(text, value):
    assert encode([text, value]) == [f"${text}", encode(value)]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (["$BigInt", "-10"], -10),
        (["$Uint8Array", "AP8="], b"\x00\xff"),
        (["$ArrayBuffer", "AP8="], b"\x00\xff"),
        (["$Undefined", 0], None),
        ({"a": ["$Undefined", 0], "b": 1}, {"b": 1}),
        ([["$Undefined", 0]], [None]),
        (["$Set", [1, ["$BigInt", "2"]]], [1, 2]),
        (["$$BigInt", "1"], ["$BigInt", "1"]),
        (["$$$x", ["$BigInt", "1"]], ["$$x", 1]),
        (["$x", 1, 2], ["$x", 1, 2]),
        (["$x"], ["$x"]),
        ({"$BigInt": "1"}, {"$BigInt": "1"}),
    ],
)
def test_what_the_client_sends_is_understood(sent, meant):
    assert decode(sent) == meant


@pytest.mark.parametrize(
    "sent",
    [
        ["$", 1],
        ["$Date", "2026"],
        ["$BigInt", 1],
        ["$BigInt", "1e3"],
        ["$BigInt", "٣"],
        ["$BigInt", "9" * 4301],
        ["$Uint8Array", "no base64"],
        ["$Uint8Array", [1]],
        ["$Set", "abc"],
        [["$Set", [["$Map", []]]]],
    ],
)
def test_a_tag_that_stands_for_nothing_is_refused(sent):
    with pytest.raises(TagInvalid):
        decode(sent)


class Sign(Enum):
    PAIR = "$BigInt"


class Price(BaseModel):
    amount: Decimal
    proof: bytes


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ({1}, ["$Set", [1]]),
        ((Sign.PAIR, "1"), ["$$BigInt", "1"]),
        ({7: True}, {"7": True}),
        (Price(amount="1.50", proof=b"\xff"), {"amount": "1.50", "proof": ["$Uint8Array", "/w=="]}),
        (-(2**53), ["$BigInt", str(-(2**53))]),
        (2**53 - 1, 2**53 - 1),
    ],
)
def test_what_python_has_beyond_json_gets_its_form(value, wire):
    assert encode(value) == wire


@pytest.mark.parametrize(
    ("value", "problem"), [(float("nan"), "nan"), ([float("inf")], "inf"), (object(), "serialize")]
)
def test_what_has_no_form_in_json_is_an_error(value, problem):
    with pytest.raises(ValueError, match=problem):
        encode(value)
