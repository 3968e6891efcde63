"""What the edges show of stored data."""

import gc
import logging

import pytest
from django.utils.translation import gettext_lazy

from actorqueues import Actor
from actorqueues.access import redacted
from actorqueues.access.redacting import HIDDEN
from actorqueues.definitions.redaction import MASK
from actorqueues.definitions.registry import registry


@pytest.fixture
def vault():
    class Vault(Actor):
        type_name = "vault_of_redacting"

    yield Vault
    registry.unregister(Vault)


def hook(function):
    return classmethod(lambda cls, kind, name, value: function(kind, name, value))


def test_the_actors_own_hook_is_asked_with_kind_and_name(vault):
    vault.redact = hook(lambda kind, name, value: [kind, name, value])
    assert redacted(vault.type_name, "body", "items", {"a": 1}) == ["body", "items", {"a": 1}]


def test_without_a_hook_and_without_code_secrets_are_masked(vault):
    for type_name in (vault.type_name, "no_code_for_it"):
        assert redacted(type_name, "state", "", {"token": "abc", "a": 1}) == {"token": MASK, "a": 1}


def fails(kind, name, value):
    raise RuntimeError(f"cannot read {value}")


async def is_async(kind, name, value):
    return value


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("broken", [fails, is_async, lambda *_: object(), lambda *_: {1: {2, 3}}])
def test_a_hook_that_fails_shows_nothing_and_is_logged_once(vault, caplog, broken):
    vault.redact = hook(broken)
    with caplog.at_level(logging.ERROR, logger="actorqueues.access"):
        shown = [redacted(vault.type_name, kind, "items", {"a": "abc"}) for kind in ("body", "state")]
    gc.collect()
    assert shown == [str(HIDDEN)] * 2
    assert len(caplog.records) == 1


def test_what_a_hook_gives_can_always_be_shown(vault):
    vault.redact = hook(lambda *_: (gettext_lazy("hidden"), 1))
    assert redacted(vault.type_name, "body", "items", "abc") == ["hidden", 1]


def test_a_document_that_is_too_deep_is_not_shown():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert redacted("no_code_for_it", "body", "items", deep) == str(HIDDEN)
    while deep:
        deep = deep[0]
