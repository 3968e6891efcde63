import asyncio
import json

import pytest

from actorqueues.exceptions import ActionNotFound, ActorNotFound, OperationRefused, StateReadOnly
from actorqueues.models import ActorInstance, Event, Message
from tests.client.actors import Ledger


@pytest.fixture
def handle(backend):
    Ledger.create("a")
    ActorInstance.objects.update(state='{"value":3,"names":[]}')
    return Ledger.get("a")


def test_an_action_reads_the_committed_state_without_a_worker(backend, handle):
    assert handle.call(Ledger.total) == 3
    assert handle.call(Ledger.total, factor=2) == 6
    assert handle.call("total", 3) == 9
    assert handle.call(Ledger.atotal) == 3
    assert asyncio.run(handle.acall(Ledger.atotal)) == 3
    assert asyncio.run(handle.acall(Ledger.total, 2)) == 6


def test_before_there_is_a_row_an_action_sees_the_initial_state(backend):
    assert Ledger.get_or_create("new").call(Ledger.total) == 0
    with pytest.raises(ActorNotFound):
        Ledger.get("new").call(Ledger.total)
    assert ActorInstance.objects.count() == 0


@pytest.mark.parametrize("name", ["meddle", "replace_state", "meddle_deep"])
def test_an_action_that_changes_the_state_is_refused_and_changes_nothing(backend, handle, name):
    with pytest.raises(StateReadOnly):
        handle.call(name)
    with pytest.raises(StateReadOnly):
        asyncio.run(handle.acall(name))
    assert ActorInstance.objects.get().state == '{"value":3,"names":[]}'


def test_an_action_may_send_and_a_safe_one_may_not(backend, handle):
    message_id = handle.call(Ledger.forward)
    assert Message.objects.get().uid.hex == message_id
    for refused in (Ledger.safe_forward, Ledger.safe_ask):
        with pytest.raises(OperationRefused, match="safe"):
            handle.call(refused)
        with pytest.raises(OperationRefused, match="safe"):
            asyncio.run(handle.acall(refused))
    handle.call(Ledger.forward)  # allowed again
    assert Message.objects.count() == 2


def test_what_only_an_activation_can_do_is_refused(backend, handle):
    for name in ("receive", "destroy_itself"):
        with pytest.raises(OperationRefused, match="an action only reads"):
            handle.call(name)


def test_a_broadcast_of_an_action_has_no_number(backend, handle):
    handle.call("shout")
    event = Event.objects.get()
    assert (event.number, event.name, json.loads(event.data)) == (None, "shouted", {"value": 3})
    assert handle.events() == []


def test_an_unknown_action_suggests_the_nearest(backend, handle):
    with pytest.raises(ActionNotFound, match='Did you mean "total"'):
        handle.call("totl")
