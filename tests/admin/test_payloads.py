import json
import re
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.template.loader import render_to_string

from actorqueues.admin import trees
from actorqueues.admin.payloads import payload
from actorqueues.models import ActorInstance, DeadLetter, Message, Worker
from tests.admin.pages import page, text_of


def asked_by(may):
    return SimpleNamespace(
        user=SimpleNamespace(has_perm=lambda name: may and name == "actorqueues.view_payload")
    )


def shown(text, *, may=True, type_name="tally", kind="body", name="increment"):
    found = payload(asked_by(may), type_name, kind, name, text)
    return render_to_string("admin/actorqueues/sections/payload.html", {"payload": found})


def test_nothing_of_a_payload_is_told_to_who_may_not_see_it():
    html = shown('{"amount": 4711}', may=False)
    assert "4711" not in html
    assert "amount" not in html
    assert "You may not see payloads" in html


def test_half_a_character_can_be_shown():
    html = shown(r'{"\ud800": "x\udfffy"}')
    assert r"\ud800" in html
    assert r"x\udfffy" in html
    assert html.encode()


def test_secrets_are_masked():
    html = shown('{"user": "ann", "token": "abc", "deep": [{"password": "xyz"}]}')
    assert "ann" in html
    assert "abc" not in html
    assert "xyz" not in html


def test_a_type_without_code_is_shown_with_the_default_masks():
    html = shown('{"user": "ann", "token": "abc"}', type_name="gone")
    assert "ann" in html
    assert "abc" not in html


@pytest.mark.parametrize("text", ['{"<script>x": 1}', '["<script>x"]', '"<script>x"'])
def test_names_and_values_are_escaped(text):
    assert "<script>" not in shown(text)
    assert "&lt;script&gt;x" in shown(text)


def test_what_is_cut_off_says_how_large_it_is():
    html = shown(json.dumps({"text": "x" * 1_000_000, "after": "unseen"}))
    assert len(html) < 25_000
    assert "1000000 characters in all" in html
    assert "and 1 more" in html
    assert "Cut off. It has 1,000,031 characters in all." in html


def test_long_lists_and_deep_trees_are_bounded():
    html = shown(json.dumps(list(range(50_000))))
    assert html.count("<dt>") == trees.ENTRIES_OF_ONE + 1
    assert "and 49900 more" in html
    assert shown("[" * 200 + "]" * 200).count("<details") == trees.DEPTH
    assert shown(json.dumps([[[1] * 100] * 100] * 100)).count("<dt>") < trees.ENTRIES + 300


def test_what_is_no_json_or_too_deep_to_be_read_shows_nothing_of_itself():
    assert "cannot be read as JSON" in shown("{secret")
    assert "secret" not in shown("{secret")
    assert "<details" not in shown("[" * 100_000)


def test_small_payloads_are_unfolded_and_have_no_note():
    html = shown('{"a": 1, "b": null, "c": [], "d": "", "e": true}')
    assert re.findall(r"<details[^>]*>", html) == ['<details class="aq-tree" open>']
    assert "aq-note" not in html
    assert "null" in html
    assert "true" in html


@pytest.mark.parametrize(
    ("model", "lookups"),
    [
        (ActorInstance, ("state__contains", "input__startswith", "held_reason__regex", "messages__body")),
        (Message, ("body__contains", "meta__regex", "error__contains", "user_id", "actor__state__contains")),
        (DeadLetter, ("body__contains", "meta__startswith", "actor__state__contains")),
        (Worker, ("host__contains",)),
    ],
)
def test_a_payload_cannot_be_guessed_by_what_an_address_asks_for(staff, backend, model, lookups):
    name = model._meta.model_name
    client = staff(f"view_{name}")
    for lookup in lookups:
        assert client.get(page(name), {lookup: "4"}).status_code == 400, lookup


def test_filters_of_a_subclass_may_be_asked_for(rf, backend):
    class Filtered(type(admin.site._registry[Message])):
        list_filter = ("queue", ("enqueued_at", admin.DateFieldListFilter))

    request = rf.get("/")
    request.user = User(is_superuser=True)
    filtered = Filtered(Message, admin.site)
    assert filtered.lookup_allowed("queue__exact", "say", request)
    assert filtered.lookup_allowed("enqueued_at__gte", "2026-01-01", request)
    assert not filtered.lookup_allowed("body__contains", "4", request)


def test_what_no_field_is_called_is_passed_over_as_ever(staff, backend):
    assert "0 messages" in text_of(staff("view_message").get(page("message"), {"utm": "1"}, follow=True))
