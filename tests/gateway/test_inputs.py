"""CBOR of unknown origin to values of JSON."""

import base64
import json
import math
from datetime import UTC, datetime

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorqueues.gateway.inputs import InputInvalid, decode_input


def in_base64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=5).filter(lambda text: "$" not in text),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(JSON)
def test_json_comes_through(value):
    assert decode_input(in_base64(cbor2.dumps(value))) == value


@given(JSON)
def test_either_alphabet_is_read_with_and_without_padding(value):
    data = cbor2.dumps({"bytes": b"\xfb\xff\xfe", "value": value})
    expected = {"bytes": b"\xfb\xff\xfe", "value": value}
    assert decode_input(base64.b64encode(data).decode()) == expected
    assert decode_input(base64.urlsafe_b64encode(data).decode()) == expected


@given(st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused(data):
    try:
        value = decode_input(in_base64(data))
    except InputInvalid:
        return
    assert json.dumps(value, default=str)  # a finite tree


@pytest.mark.parametrize(
    ("cbor", "value"),
    [
        ("fb41f2a05f20000000", 5_000_000_000),  # what cbor-x makes of whole numbers from 2**32
        ("fb3ff8000000000000", 1.5),
        ("fb444b1ae4d6e2ef50", 1e21),
        ("c1fb41d954fc4007df3b", datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)),
        ("d90103a1616101", {"a": 1}),  # a Map
        ("a16161f7", {}),  # {a: undefined}
        ("826724426967496e746137", 7),  # a bigint
        ("a10102", {"1": 2}),
    ],
)
def test_the_forms_of_the_clients_encoder_are_understood(cbor, value):
    found = decode_input(in_base64(bytes.fromhex(cbor)))
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "cbor",
    [
        b"",
        b"\xff",
        b"\x81" * 3000,  # nested deep
        cbor2.dumps(math.inf),
        cbor2.dumps(cbor2.CBORTag(85, b"\x00\x00\x80?")),  # a Float32Array
        cbor2.dumps(["$Date", 1]),
        bytes.fromhex("d81c81d81d00"),  # a list that holds itself
        bytes.fromhex("5b000000ffffffffff"),  # 2**40 bytes, it says
        bytes.fromhex("a1810102"),  # a list as a name
    ],
    ids=repr,
)
def test_what_json_cannot_hold_is_refused(cbor):
    with pytest.raises(InputInvalid):
        decode_input(in_base64(cbor))


def test_a_few_bytes_that_stand_for_millions_of_values_are_refused():
    shared = b"\xd8\x1c\x82\x01\x01"
    for number in range(22):
        shared += b"\xd8\x1c\x82" + (b"\xd8\x1d" + bytes([number])) * 2
    with pytest.raises(InputInvalid, match="more values"):
        decode_input(in_base64(b"\x97" + shared))


@pytest.mark.parametrize("text", ["%", "a", "AAAAA", "ü", "AA=A"])
def test_what_is_not_base64_is_refused(text):
    with pytest.raises(InputInvalid, match="base64"):
        decode_input(text)
