from enum import Enum, IntEnum, StrEnum
from uuid import UUID

import pytest
from django.db import models
from hypothesis import assume, given
from hypothesis import strategies as st

from actorqueues.definitions.keys import (
    actor_id_for,
    decode_key,
    encode_key,
    normalise_key,
    parse_public_id,
    public_id,
)
from actorqueues.exceptions import ActorNotFound, ActorQueuesError, KeyInvalid

texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from("/\\0"), max_size=30
)
keys = st.lists(texts, max_size=6).map(tuple)


@given(keys)
def test_a_stored_key_gives_back_its_parts(parts):
    assert decode_key(encode_key(normalise_key(parts))) == parts


@given(keys, keys)
def test_different_keys_are_stored_differently(one, other):
    assume(one != other)
    assert encode_key(one) != encode_key(other)


@given(st.text(st.sampled_from("a/\\0"), max_size=12))
def test_text_is_a_stored_key_or_refused(stored):
    try:
        parts = decode_key(stored)
    except KeyInvalid:
        return
    assert encode_key(parts) == stored


@pytest.mark.parametrize(
    ("parts", "stored"),
    [
        ((), "/"),
        (("",), "\\0"),
        (("", ""), "\\0/\\0"),
        (("main",), "main"),
        (("x/y",), "x\\/y"),
        (("a\\b",), "a\\\\b"),
        (("\\0",), "\\\\0"),
        (("\\", "/"), "\\\\/\\/"),
        (("org", "7"), "org/7"),
    ],
)
def test_the_stored_form(parts, stored):
    assert encode_key(parts) == stored
    assert decode_key(stored) == parts


class Colour(StrEnum):
    RED = "red"


class OldColour(str, Enum):  # noqa: UP042  what older projects have
    RED = "red"


class Number(IntEnum):
    SEVEN = 7


IDENTIFIER = UUID("12345678123456781234567812345678")


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("main", ("main",)),
        (7, ("7",)),
        (-1, ("-1",)),
        (IDENTIFIER, (str(IDENTIFIER),)),
        (("org", 7, IDENTIFIER), ("org", "7", str(IDENTIFIER))),
        ((), ()),
        ("", ("",)),
        (Colour.RED, ("red",)),
        (OldColour.RED, ("red",)),
        (Number.SEVEN, ("7",)),
    ],
)
def test_keys_become_parts_of_text(key, parts):
    assert normalise_key(key) == parts
    assert all(type(part) is str for part in normalise_key(key))


class Shop(models.Model):
    class Meta:
        app_label = "tests_of_keys"


@pytest.mark.parametrize(
    ("key", "named"),
    [
        (None, "None"),
        (True, "bool"),
        (1.5, "float"),
        (Shop(pk=3), "Shop's pk"),
        (b"main", "bytes"),
        (["main"], "list"),
        ({"a": 1}, "dict"),
        (("a", None), "None"),
        (("a", ("b",)), "tuple"),
    ],
)
def test_other_things_are_refused_by_name(key, named):
    with pytest.raises(KeyInvalid, match=named) as caught:
        normalise_key(key)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ActorQueuesError)


@pytest.mark.parametrize("key", ["a\0b", "\0", "é\0", "\ud800", ("a", "b\udfff")])
def test_nul_and_lone_surrogates_are_refused(key):
    with pytest.raises(KeyInvalid, match=r"NUL|surrogate"):
        normalise_key(key)


def test_a_part_has_at_most_128_bytes_before_escaping():
    for part in ("x" * 128, "é" * 64, "/" * 128, "\\" * 128, int("9" * 128)):
        assert len(decode_key(encode_key(normalise_key(part)))) == 1
    for part in ("x" * 129, "é" * 65, "😀" * 33, 10**128, 10**5000):
        with pytest.raises(KeyInvalid, match="128"):
            normalise_key(part)


def test_a_key_has_at_most_1024_bytes_in_all():
    assert len(normalise_key(("x" * 128,) * 8)) == 8
    with pytest.raises(KeyInvalid, match=r"1,?024"):
        normalise_key((*("x" * 128,) * 8, "y"))


@given(st.lists(st.text(st.sampled_from("/\\a"), max_size=128), max_size=2000).map(tuple))
def test_every_accepted_key_fits_its_column(parts):
    try:
        accepted = normalise_key(parts)
    except KeyInvalid:
        return
    assert len(encode_key(accepted)) <= 2100


def test_very_many_empty_parts_are_refused():
    with pytest.raises(KeyInvalid, match="parts"):
        normalise_key(("",) * 5000)


def test_the_rows_id_never_changes():
    assert actor_id_for("counter", "main") == UUID("ed509c17-12b8-3cf0-a88a-e0b10b96eb3a")
    assert actor_id_for("counter", "main") != actor_id_for("counter", "main2")
    assert actor_id_for("a", "b") != actor_id_for("ab", "")


def test_the_public_id_names_one_life():
    actor_id = actor_id_for("counter", "main")
    assert parse_public_id(public_id(actor_id, 3)) == (actor_id, 3)


@pytest.mark.parametrize(
    "text", ["", "main", "-1", "x" * 32 + "-1", "0" * 32, "0" * 32 + "-0", "0" * 32 + "-1\n"]
)
def test_other_text_is_no_public_id(text):
    with pytest.raises(ActorNotFound, match="not the id"):
        parse_public_id(text)
