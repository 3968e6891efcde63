import asyncio
import json
import threading
import time
from uuid import UUID

from django.db import connections
from django.utils import timezone

from actorqueues.models import ActorInstance, Event
from tests.client.actors import Increment, Ledger
from tests.client.outcomes import settle

ONE = Increment(amount=1)


def tell(actor_id, number, name, data, message_id=None):
    Event.objects.create(
        actor_id=actor_id, number=number, name=name, data=json.dumps(data), created_at=timezone.now(),
        message_uid=None if message_id is None else UUID(hex=message_id),
    )  # fmt: skip


def test_events_are_read_on_from_a_number(backend):
    Ledger.create("a")
    actor_id = ActorInstance.objects.get().id
    for number in range(1, 5):
        tell(actor_id, number, "changed", {"n": number})
    tell(actor_id, None, "fleeting", {})
    handle = Ledger.get("a")
    assert [event.number for event in handle.events()] == [1, 2, 3, 4]
    assert [(event.number, event.name, event.data) for event in handle.events(after=3)] == [
        (4, "changed", {"n": 4})
    ]
    assert Ledger.get_or_create("b").events() == []


def work(actor_id, message_id, using):
    """A worker that reports twice, and once more when it has settled."""
    try:
        for done in (1, 2):
            tell(actor_id, done, "progress", report(done), message_id)
            time.sleep(0.15)
        settle(message_id, using=using)
        tell(actor_id, 3, "progress", report(3), message_id)
    finally:
        connections.close_all()


def report(done):
    return {"done": done, "total": 3, "note": "", "attempt": 1}


def started_work(backend):
    receipt = Ledger.get_or_create("a").send(Ledger.note, ONE, track=True)
    other = Ledger.get_or_create("a").send(Ledger.note, ONE)
    actor_id = Ledger.get_or_create("a")._target.actor_id
    tell(actor_id, 9, "progress", report(9), other.id)
    threading.Thread(target=work, args=(actor_id, receipt.id, backend)).start()
    return receipt


def test_following_gives_the_progress_of_one_message_until_it_is_settled(backend):
    receipt = started_work(backend)
    assert [report.done for report in Ledger.get_or_create("a").follow(receipt, timeout=20)] == [1, 2, 3]
    assert [report.done for report in Ledger.get_or_create("a").follow(receipt.id)] == [1, 2, 3]


def test_following_on_an_event_loop(backend):
    receipt = started_work(backend)

    async def follow():
        return [report.done async for report in Ledger.get_or_create("a").afollow(receipt, timeout=20)]

    assert asyncio.run(follow()) == [1, 2, 3]


def test_following_ends_with_its_timeout(backend):
    receipt = Ledger.get_or_create("a").send(Ledger.note, ONE)
    assert list(Ledger.get_or_create("a").follow(receipt, timeout=0.2)) == []
