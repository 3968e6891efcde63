"""Messages that are sent at the same moment are stored together."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, OperationalError, connections

from actorqueues.client import gathering
from actorqueues.client.gathering import can_be_gathered, gatherer_of
from actorqueues.client.targets import Target
from actorqueues.models import Message
from tests.client.actors import Ledger
from tests.fixtures.workers import PATIENCE, eventually
from tests.storage.outgoing import to

CROWD = 12


@pytest.fixture
def gate(monkeypatch):
    """Whoever stores first waits until it is opened; ``sizes`` tells how many each commit had."""
    gate, store = threading.Event(), gathering.store_messages
    gate.sizes = []

    def stored(outgoing, *, using):
        gate.sizes.append(len(outgoing))
        if len(gate.sizes) == 1:
            assert gate.wait(PATIENCE)
        return store(outgoing, using=using)

    monkeypatch.setattr(gathering, "store_messages", stored)
    yield gate
    gate.set()


@pytest.fixture
def send(backend):
    """``send(outgoing)`` in a thread of its own, as a request under WSGI does; a future of it."""
    target = Target.by_key(Ledger, ("main",), must_exist=False)

    def work(outgoing):
        try:
            gatherer_of(backend).depart(target, outgoing).here()
        finally:
            connections[backend].close()

    with ThreadPoolExecutor(CROWD + 1) as threads:
        yield lambda outgoing=None: threads.submit(work, outgoing or to("main"))


def in_line(backend):
    return len(gatherer_of(backend)._line)


def behind_the_first(backend, gate, send, others):
    """Futures of all of them: one is being stored, and these come meanwhile."""
    first = send()
    assert eventually(lambda: gate.sizes) == [1]
    found = [send(one) for one in others]
    eventually(lambda: in_line(backend) == len(others))
    return [first, *found]


def test_who_comes_while_others_are_stored_is_stored_with_the_next(backend, gate, send):
    futures = behind_the_first(backend, gate, send, [to(f"a{number}") for number in range(CROWD)])
    assert Message.objects.count() == 0
    gate.set()
    for future in futures:
        future.result(PATIENCE)
    assert gate.sizes == [1, CROWD]
    assert Message.objects.count() == 1 + CROWD


def test_one_that_the_database_refuses_keeps_nobody_else_out(backend, gate, send):
    others = [to(f"a{number}") for number in range(3)]
    wrong = replace(to("wrong"), uid=others[0].uid)  # two of one id
    futures = behind_the_first(backend, gate, send, [*others, wrong])
    gate.set()
    for future in futures[:-1]:
        future.result(PATIENCE)
    with pytest.raises(IntegrityError):
        futures[-1].result(PATIENCE)
    assert Message.objects.count() == 1 + 3


def test_all_are_told_of_a_lost_database_and_the_next_is_stored(backend, gate, send, monkeypatch):
    futures = behind_the_first(backend, gate, send, [to("a"), to("b")])
    working = gathering.store_messages

    def lost(outgoing, *, using):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(gathering, "store_messages", lost)
    gate.set()
    futures[0].result(PATIENCE)
    for future in futures[1:]:
        with pytest.raises(OperationalError):
            future.result(PATIENCE)
    monkeypatch.setattr(gathering, "store_messages", working)
    send().result(PATIENCE)
    assert Message.objects.count() == 2


@pytest.mark.parametrize("leader_hangs_up", [False, True])
def test_on_a_loop_too_and_who_hangs_up_hands_over(backend, gate, send, leader_hangs_up):
    target, gatherer = Target.by_key(Ledger, ("main",), must_exist=False), gatherer_of(backend)
    first = send()
    assert eventually(lambda: gate.sizes) == [1]

    async def scenario():
        departures = [gatherer.depart(target, to(f"a{number}")) for number in range(4)]
        tasks = [asyncio.create_task(one.on_loop()) for one in departures]
        await asyncio.sleep(0)
        if leader_hangs_up:
            tasks[0].cancel()  # it is in line: the one behind it will lead
        gate.set()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)

    results = async_to_sync(scenario)()
    first.result(PATIENCE)
    assert [type(result) for result in results[:1]] == [
        asyncio.CancelledError if leader_hangs_up else type(None)
    ]
    assert results[1:] == [None] * 3
    assert Message.objects.count() == 1 + 4 - leader_hangs_up


def test_who_is_to_lead_and_hangs_up_before_it_can_hands_over(backend, gate, send):
    gatherer, target = gatherer_of(backend), Target.by_key(Ledger, ("main",), must_exist=False)
    first = send()
    assert eventually(lambda: gate.sizes) == [1]
    front = gatherer.depart(target, to("front"))
    front._event = threading.Event()  # as if it waited
    behind = send(to("behind"))
    eventually(lambda: in_line(backend) == 2)
    gate.set()
    first.result(PATIENCE)
    eventually(lambda: front.leads)
    gatherer.leave(front)
    behind.result(PATIENCE)
    assert gate.sizes == [1, 1]


@pytest.mark.parametrize("is_dropped", [False, True])
def test_a_request_that_is_cancelled_on_the_way_to_waiting_holds_up_nobody(backend, gate, send, is_dropped):
    """Its client has hung up while it got in line: nobody will ever wait there."""
    gatherer, target = gatherer_of(backend), Target.by_key(Ledger, ("main",), must_exist=False)
    first = send()
    assert eventually(lambda: gate.sizes) == [1]
    cancelled = gatherer.depart(target, to("cancelled"))
    if is_dropped:
        del cancelled
    behind = send(to("behind"))
    eventually(lambda: in_line(backend) == 2)
    gate.set()
    for future in (first, behind, send(to("later"))):
        future.result(PATIENCE)
    assert Message.objects.count() == 3 + (not is_dropped)


def test_who_begins_to_wait_when_nobody_stores_any_more_stores_itself(backend, gate, send):
    gatherer, target = gatherer_of(backend), Target.by_key(Ledger, ("main",), must_exist=False)
    first = send()
    assert eventually(lambda: gate.sizes) == [1]
    late = gatherer.depart(target, to("late"))
    gate.set()
    first.result(PATIENCE)
    assert Message.objects.count() == 1
    late.here()
    assert Message.objects.count() == 2


def test_a_loop_that_has_ended_holds_up_nobody(backend, gate, send):
    gatherer, target = gatherer_of(backend), Target.by_key(Ledger, ("main",), must_exist=False)
    first = send()
    assert eventually(lambda: gate.sizes) == [1]
    dead = gatherer.depart(target, to("dead"))
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(dead.on_loop())
    loop.run_until_complete(asyncio.sleep(0))  # it waits; and now nobody runs its loop any more
    behind = send(to("behind"))
    eventually(lambda: in_line(backend) == 2)
    gate.set()
    for future in (first, behind):
        future.result(PATIENCE)
    assert Message.objects.count() == 3, "the one whose loop has ended too: whoever leads stores all"
    loop.run_until_complete(asyncio.wait_for(waiting, PATIENCE))
    loop.close()


def test_what_takes_more_than_an_insert_leaves_alone(backend):
    assert can_be_gathered(to("a"), backend)
    for other in (
        to("a", dedupe="x"),
        to("a", idempotency="x", fingerprint=""),
        to("a", requires_actor=True),
    ):
        assert not can_be_gathered(other, backend)


def test_in_a_test_case_nothing_waits_for_others(backend_in_transaction):
    assert not can_be_gathered(to("a"), backend_in_transaction)
