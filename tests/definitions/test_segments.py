"""Keys in URLs: what comes back is what went in, whatever stands between."""

from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actorqueues.definitions.segments import decode_segment, encode_segment
from actorqueues.exceptions import KeyInvalid

PARTS = st.text(st.characters(codec="utf-8"), max_size=20)
KEYS = st.lists(PARTS, max_size=5).map(tuple)


def hard_keys(test):
    for key in [(), ("",), ("", ""), (".",), ("..",), ("...", "a"), ("a/b", "c,d"), ("~",), ("~~",), ("%2F",),
                ("é", "日本"), ("a b", "?x=1#y"), ("\\", "\n")]:  # fmt: skip
        test = example(key)(test)
    return test


@given(KEYS)
@hard_keys
def test_a_key_comes_back_from_its_segment(key):
    assert decode_segment(encode_segment(key)) == key


@given(st.lists(KEYS, min_size=2, max_size=2, unique=True))
def test_different_keys_have_different_segments(keys):
    assert encode_segment(keys[0]) != encode_segment(keys[1])


@given(KEYS)
@hard_keys
def test_a_segment_is_unharmed_by_browsers_proxies_and_servers(key):
    segment = encode_segment(key)
    assert segment.isascii()
    assert not set(segment) & set("/\\?#%;: ")
    assert segment.strip(".")
    assert quote(segment, safe=",~") == unquote(segment) == segment
    resolved = urljoin("http://example.com/api/actors/", f"./counter/{segment}/queue/x/")
    assert urlsplit(resolved).path == f"/api/actors/counter/{segment}/queue/x/"


@pytest.mark.parametrize(("segment", "key"), [
    ("main", ("main",)),
    ("42,a~2fb", ("42", "a/b")),
    ("~,x", ("", "x")),
    ("~~", ()),
    ("ann@example.com,é b", ("ann@example.com", "é b")),
    ("~C3~A9", ("é",)),
])  # fmt: skip
def test_what_people_write_is_understood(segment, key):
    assert decode_segment(segment) == key


@pytest.mark.parametrize("segment", ["", "a,", ",", "~2", "~zz", "a~", "~~,a", "~C3", "~FF", "~~~"])
def test_what_stands_for_no_key_is_refused(segment):
    with pytest.raises(KeyInvalid):
        decode_segment(segment)


@given(st.text(max_size=30))
def test_any_text_is_a_key_or_refused(segment):
    try:
        key = decode_segment(segment)
    except KeyInvalid:
        return
    if not any("\ud800" <= character <= "\udfff" for part in key for character in part):
        assert decode_segment(encode_segment(key)) == key
