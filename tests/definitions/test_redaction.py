"""What is masked by default."""

import pytest

from actorqueues import Actor
from actorqueues.definitions.redaction import MASK, masked

SECRET = """
    password Password1 db_password passwd passwort PASSWORD passphrase passcode pass userPass pwd secret clientSecret
    token accessToken csrfmiddlewaretoken refresh-token tokens auth oauth authorization Proxy-Authorization bearer jwt
    credentials signature X-Hub-Signature-256 Cookie set-cookie sessionid session_id apikey X-Api-Key apiKey
    private_key accessKey AWS_SECRET_ACCESS_KEY pin userPIN PINCode otp cvv cvv2 cvc iban card_number cardNumber
    creditCard account_number ssn social_security_number
"""
PLAIN = """
    key keys keyboard api capital author authors passenger compass bypass secretary tokenizer pinned pinboard spin
    caliban card cards session amount email name value authenticated_at_home design signal cvs total_pages
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_a_secret_name_is_masked(name):
    assert masked({name: "abc"}) == {name: MASK}
    assert masked({name: {"inner": ["abc"]}}) == {name: MASK}


@pytest.mark.parametrize("name", PLAIN.split())
def test_an_ordinary_name_is_not(name):
    assert masked({name: "abc"}) == {name: "abc"}


def test_names_count_at_any_depth_and_the_value_stays_as_it_was():
    value = {"order": [{"card": {"number": "1", "cvv": 123}}, ["a"]], "password": "abc"}
    assert masked(value) == {"order": [{"card": {"number": "1", "cvv": MASK}}, ["a"]], "password": MASK}
    assert value["password"] == "abc"


@pytest.mark.parametrize("value", ["abc", 7, None, True, [], {}, [1, "a"]])
def test_what_has_no_names_is_shown(value):
    assert masked(value) == value


def test_what_is_absent_true_or_a_count_is_no_secret():
    value = {"password": None, "has_password": True, "prompt_tokens": 12, "pin": 1234, "tokens": ["a"]}
    assert masked(value) == {**value, "pin": MASK, "tokens": MASK}


def test_an_actor_may_say_itself_what_is_seen():
    class Clinic(Actor):
        @classmethod
        def redact(cls, kind, name, value):
            shown = super().redact(kind, name, value)
            return shown | {"diagnosis": f"in {kind} {name}"}

    seen = Clinic.redact("body", "visits", {"token": "abc", "diagnosis": "flu"})
    assert seen == {"token": MASK, "diagnosis": "in body visits"}
