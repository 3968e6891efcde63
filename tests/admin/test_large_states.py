"""States that are too large for a form, or for a page."""

import json

import pytest
from django.utils import timezone

from actorqueues.admin import state_editing
from actorqueues.models import ActorInstance, ActorStatus
from tests.admin.pages import page, text_of
from tests.playground.actors import Scribe, Tally

VIEW = "view_actorinstance"
CHANGE = (VIEW, "change_actorinstance", "view_payload")


def make(actor=Tally, **fields):
    """One that has had its first message, and sleeps."""
    actor.create("a")
    ActorInstance.objects.update(initialised_at=timezone.now(), **fields)
    return ActorInstance.objects.get()


def test_a_state_that_is_too_large_for_a_form_is_not_put_into_one(staff, backend, monkeypatch):
    monkeypatch.setattr(state_editing, "MOST_EDITED", 2_000)
    values = [{"<script>": "x" * 1_000}, "y" * 1_000]
    actor = make(actor=Scribe, state=json.dumps({"values": values}))
    client, address = staff(*CHANGE), page("actorinstance", "state", actor.pk)
    answer = client.get(address)
    assert "a state of up to 2,000 can be edited here" in text_of(answer)
    assert len(answer.content) < 20_000
    client.post(address, {"state": '{"values": []}', "epoch": actor.epoch})
    actor.refresh_from_db()
    assert json.loads(actor.state) == {"values": values}


def test_a_state_does_not_grow_beyond_what_can_be_edited_again(staff, backend, monkeypatch):
    monkeypatch.setattr(state_editing, "MOST_EDITED", 2_000)
    actor = make(state='{"value":3}')
    client, address = staff(*CHANGE), page("actorinstance", "state", actor.pk)
    answer = client.post(address, {"state": '{"value": 4}' + " " * 3_000 + "\r\n]", "epoch": actor.epoch})
    assert "up to 2,000 can be edited here" in str(answer.context["form"].errors["state"])
    at_most = '{"value": 4' + "\r\n" * 1_900 + "}"  # browsers send lines so; each counts once
    answer = client.post(address, {"state": at_most, "epoch": actor.epoch}, follow=True)
    assert "The state is stored." in text_of(answer)


def test_what_is_wrong_with_a_state_is_shown_from_both_ends(staff, backend):
    reason = "The state is not valid: " + "x" * 60_000 + "a number was expected"
    actor = make(status=ActorStatus.HELD, held_reason=reason)
    text = text_of(staff(VIEW).get(page("actorinstance", "change", actor.pk)))
    assert "The state is not valid: xxx" in text
    assert "a number was expected" in text
    assert len(text) < 30_000


@pytest.mark.parametrize("levels", [300, 1_500, 90_000])
def test_a_state_that_nests_too_deeply_is_refused(staff, backend, levels):
    actor = make(actor=Scribe, state='{"values":[]}')
    address = page("actorinstance", "state", actor.pk)
    entered = '{"values": ' + "[" * levels + "]" * levels + "}"
    answer = staff(*CHANGE).post(address, {"state": entered, "epoch": actor.epoch})
    assert "state" in answer.context["form"].errors
    actor.refresh_from_db()
    assert actor.state == '{"values":[]}'


@pytest.mark.parametrize("state", ["[" * 90_000 + "]" * 90_000, '{"values":'], ids=["deep", "broken"])
def test_a_state_that_cannot_be_read_is_not_put_into_a_form(staff, backend, state):
    actor = make(actor=Scribe, state=state)
    client = staff(*CHANGE)
    for name in ("state", "change"):
        assert "This cannot be read as JSON" in text_of(client.get(page("actorinstance", name, actor.pk)))
