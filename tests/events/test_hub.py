"""Listening to events of actors that run elsewhere."""

import asyncio
import json
import threading
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from django.db import connections, transaction
from django.test import override_settings

from actorqueues import Actor, action, handler
from actorqueues.bridge import in_thread
from actorqueues.conf import settings
from actorqueues.events import hub as hubs
from actorqueues.events.feeds import ActorTopic, UserTopic
from actorqueues.events.hub import event_hub_of
from actorqueues.events.live import CaughtUp, LiveEvent, Reset, Started
from actorqueues.models import Event
from actorqueues.storage.events import store_transient_events
from tests.fixtures.backends import only_postgresql
from tests.fixtures.servers import end_other_sessions
from tests.fixtures.workers import PATIENCE, eventually


def define_teller():
    class Teller(Actor):
        @handler
        async def tell(self, body: list[int]) -> None:
            for number in body:
                self.broadcast("n", number, live=True)

        @handler
        def tell_in_a_transaction(self, body: int, message) -> None:
            with message.atomic():
                self.broadcast("n", body)

        @handler
        def tell_user(self, body: str) -> None:
            self.notify_user("hello", body, user=body)

        @handler
        def end(self, body: None) -> None:
            self.destroy()

        @action
        def whisper(self) -> None:
            self.broadcast("whisper", 1)

    return Teller


class Ear:
    def __init__(self, topic, **options):
        self.told = []
        self.hub = event_hub_of(settings.DATABASE)
        self.subscription = self.hub.subscribe(topic, self.told.extend, **options)

    def close(self):
        self.hub.unsubscribe(self.subscription)

    async def until(self, condition, timeout=PATIENCE):
        async with asyncio.timeout(timeout):
            while not condition(self):
                await asyncio.sleep(0.005)

    @property
    def started(self):
        return any(isinstance(one, Started) for one in self.told)

    @property
    def resets(self):
        return [one.standing.number for one in self.told if isinstance(one, Reset)]

    @property
    def heard(self):
        return [json.loads(one.data) for one in self.told if isinstance(one, LiveEvent)]

    @property
    def numbers(self):
        return [one.number for one in self.told if isinstance(one, LiveEvent)]


@asynccontextmanager
async def listening(topic, **options):
    ear = Ear(topic, **options)
    try:
        await ear.until(lambda ear: ear.started)
        yield ear
    finally:
        ear.close()


def topic_of(handle):
    target = handle._target
    return ActorTopic(target.actor_id, target.type_name, target.parts)


def test_what_is_broadcast_elsewhere_is_heard_by_all_who_listen_in_order(start_worker):
    teller = define_teller().get_or_create("x")
    start_worker()

    async def main():
        async with listening(topic_of(teller)) as one, listening(topic_of(teller)) as other:
            await teller.asend("tell", [1, 2, 3])
            await teller.asend("tell_in_a_transaction", 4)
            for ear in (one, other):
                await ear.until(lambda ear: len(ear.heard) == 4)
                assert ear.numbers == [1, 2, 3, 4]
            assert {id(event) for event in one.told[1:]} == {id(event) for event in other.told[1:]}
            return one.heard

    assert sorted(asyncio.run(main())) == [1, 2, 3, 4]


def test_who_comes_back_hears_what_was_missed_and_then_what_is_live_without_a_gap(start_worker):
    teller = define_teller().get_or_create("x")
    start_worker()
    teller.send("tell", list(range(1, 21)), wait=True)

    async def main():
        sending = asyncio.create_task(tell_on())
        for after in (0, 5, 40, 90):
            async with listening(topic_of(teller), after=after) as ear:
                await ear.until(lambda ear: ear.numbers and ear.numbers[-1] >= 120)
                assert ear.numbers == list(range(after + 1, ear.numbers[-1] + 1))
                assert ear.heard == ear.numbers
                assert ear.resets == []
        await sending

    async def tell_on():
        for number in range(21, 121):
            await teller.asend("tell", [number])

    asyncio.run(main())


def test_without_a_number_one_hears_only_what_comes(start_worker):
    teller = define_teller().get_or_create("x")
    start_worker()
    teller.send("tell", [1, 2], wait=True)

    async def main():
        async with listening(topic_of(teller)) as ear:
            assert ear.told[0].standing.number == 2
            await teller.asend("tell", [3])
            await ear.until(lambda ear: ear.heard)
            assert ear.heard == [3]

    asyncio.run(main())


@pytest.mark.parametrize("kept", [3, 0])
def test_a_number_that_is_no_longer_kept_is_reset(start_worker, kept):
    teller = define_teller().get_or_create("x")
    start_worker()
    teller.send("tell", [1, 2, 3, 4, 5], wait=True)
    Event.objects.filter(number__lte=5 - kept).delete()

    async def main():
        async with listening(topic_of(teller), after=1) as ear:
            await ear.until(lambda ear: ear.resets)
            assert ear.resets == [5 - kept]
            await teller.asend("tell", [6])
            await ear.until(lambda ear: 6 in ear.heard)
            assert ear.numbers == list(range(6 - kept, 7))
        async with listening(topic_of(teller), after=1000) as ear:
            await ear.until(lambda ear: ear.resets == [6])

    asyncio.run(main())


def test_a_new_life_of_the_actor_is_a_reset(start_worker):
    teller = define_teller().get_or_create("x")
    start_worker()
    teller.send("tell", [1, 2, 3], wait=True)

    async def main():
        async with listening(topic_of(teller), after=0) as ear:
            generation = ear.told[0].standing.generation
            await ear.until(lambda ear: ear.numbers == [1, 2, 3])
            await teller.asend("end")
            await ear.until(lambda ear: ear.resets == [0])
            await teller.asend("tell", [7])
            await ear.until(lambda ear: ear.heard == [1, 2, 3, 7])
            assert ear.numbers[-1] == 1
        async with listening(topic_of(teller), after=1, generation=generation) as ear:
            assert ear.resets == [1]

    asyncio.run(main())


def test_transient_events_from_outside_are_heard_once(start_worker):
    teller = define_teller().get_or_create("x")

    async def main():
        await teller.acall("whisper")
        async with listening(topic_of(teller)) as ear:
            for _ in range(3):
                await teller.acall("whisper")
            await ear.until(lambda ear: len(ear.heard) == 3)
            await asyncio.sleep(2.5)  # looks at everything meanwhile
            assert ear.numbers == [None, None, None]

    asyncio.run(main())


def test_a_user_hears_what_actors_tell_them_and_nobody_else_s(start_worker):
    teller = define_teller().get_or_create(("a", "b"))
    start_worker()

    async def main():
        async with listening(UserTopic("7")) as ear:
            for user in ("8", "7", "77"):
                await teller.asend("tell_user", user, wait=True)
            await ear.until(lambda ear: ear.heard)
            assert ear.heard == ["7"]
            event = ear.told[-1]
            assert (event.actor_type, event.key, event.user_id) == ("teller", ("a", "b"), "7")

    asyncio.run(main())


def test_without_any_hint_the_poll_finds_everything(start_worker):
    teller = define_teller().get_or_create("x")
    with override_settings(ACTORQUEUES={**hint_less(), "DATABASE": settings.DATABASE}):
        start_worker()

        async def main():
            async with listening(topic_of(teller)) as ear, listening(UserTopic("7")) as user:
                store_transient = asyncio.to_thread(transient_without_hint, teller)
                await asyncio.gather(teller.asend("tell", [1]), store_transient)
                await teller.asend("tell_user", "7")
                await ear.until(lambda ear: sorted(map(str, ear.heard)) == ["1", "7", "quiet"])
                await user.until(lambda user: user.heard)
                assert user.heard == ["7"]

        asyncio.run(main())


def test_a_round_through_many_topics_is_small_looks_and_leaves_none_out(start_worker, monkeypatch):
    monkeypatch.setattr(hubs, "TURN", 3)
    teller_class = define_teller()
    tellers = [teller_class.get_or_create(str(number)) for number in range(10)]
    turns, read = [], hubs.EventReader.read
    monkeypatch.setattr(
        hubs.EventReader, "read", lambda self, look: turns.append(look.turn) or read(self, look)
    )
    with override_settings(ACTORQUEUES={**hint_less(), "DATABASE": settings.DATABASE}):
        start_worker()

        async def main():
            async with AsyncExitStack() as stack:
                ears = [await stack.enter_async_context(listening(topic_of(one))) for one in tellers]
                for number, teller in enumerate(tellers):
                    await teller.asend("tell", [number])
                    await asyncio.to_thread(transient_without_hint, teller)
                for number, ear in enumerate(ears):
                    await ear.until(lambda ear: len(ear.heard) >= 2)
                    assert sorted(map(str, ear.heard)) == [str(number), "quiet"]
                await asyncio.sleep(0.5)  # two more rounds tell nothing twice
                assert [len(ear.heard) for ear in ears] == [2] * len(tellers)

        asyncio.run(main())
    assert max(map(len, turns)) == 3
    assert set().union(*turns) == {topic_of(one).id for one in tellers}


def hint_less():
    return {"WAKEUP": "poll", "POLL_INTERVAL": 0.2}


def transient_without_hint(handle):
    try:
        store_transient_events(handle._target.actor_id, 1, [("e", '"quiet"', None)], using=settings.DATABASE)
    finally:
        connections[settings.DATABASE].close()


@only_postgresql
def test_a_transient_event_whose_commit_comes_late_is_heard(backend):
    teller = define_teller().get_or_create("x")
    stored, may_commit = threading.Event(), threading.Event()

    def late():
        with transaction.atomic(using=backend):
            store_transient_events(teller._target.actor_id, 1, [("e", '"late"', None)], using=backend)
            stored.set()
            may_commit.wait(PATIENCE)
        connections[backend].close()

    async def main():
        async with listening(topic_of(teller)) as ear:
            thread = threading.Thread(target=late)
            thread.start()
            await asyncio.to_thread(stored.wait)
            await teller.acall("whisper")  # a higher id, committed before
            await ear.until(lambda ear: ear.heard == [1])
            may_commit.set()
            await ear.until(lambda ear: len(ear.heard) > 1)
            thread.join()
            assert ear.heard == [1, "late"]

    asyncio.run(main())


@only_postgresql
@pytest.mark.parametrize("topic", ["actor", "user"])
def test_what_took_its_id_before_one_began_and_is_committed_after_is_heard_and_nothing_older(backend, topic):
    teller = define_teller().create("x")
    stored, may_commit = threading.Event(), threading.Event()

    def tell(data, *, when=lambda: None):
        with transaction.atomic(using=backend):
            store_transient_events(teller._target.actor_id, 1, [("e", data, "7")], using=backend)
            when()
        connections[backend].close()

    def late():
        stored.set()
        may_commit.wait(PATIENCE)

    async def main():
        await asyncio.to_thread(tell, '"old"')
        thread = threading.Thread(target=tell, args=('"late"',), kwargs={"when": late})
        thread.start()
        await asyncio.to_thread(stored.wait, PATIENCE)
        await asyncio.to_thread(tell, '"old too"')  # a higher id
        async with listening(topic_of(teller) if topic == "actor" else UserTopic("7")) as ear:
            may_commit.set()
            await asyncio.to_thread(thread.join)
            await asyncio.to_thread(tell, '"new"')
            await ear.until(lambda ear: len(ear.heard) > 1)
            await asyncio.sleep(1.5)  # more looks
            assert sorted(ear.heard) == ["late", "new"]

    with override_settings(ACTORQUEUES={**hint_less(), "DATABASE": settings.DATABASE}):
        asyncio.run(main())


def test_an_answer_that_one_has_caught_up_comes_after_what_was_committed_before(start_worker):
    teller = define_teller().get_or_create("x")
    start_worker()

    async def main():
        async with listening(topic_of(teller)) as ear:
            await teller.asend("tell", list(range(50)), wait=True)
            ear.hub.catch_up(ear.subscription, lambda: None)
            await ear.until(lambda ear: isinstance(ear.told[-1], CaughtUp))
            assert len(ear.heard) == 50

    asyncio.run(main())


def test_the_thread_ends_when_nobody_listens_any_more_and_starts_again(backend, monkeypatch):
    monkeypatch.setattr(hubs, "IDLE", 0.05)
    topic = topic_of(define_teller().get_or_create("x"))
    hub = event_hub_of(backend)

    async def main():
        async with listening(topic):
            assert hub.listeners == 1
        await asyncio.to_thread(eventually, lambda: hub._thread is None)
        async with listening(topic):
            pass
        assert hub.listeners == 0

    asyncio.run(main())


@only_postgresql
def test_lost_connections_cost_a_moment_and_no_event(start_worker):
    teller = define_teller().get_or_create("x")
    start_worker()

    async def main():
        async with listening(topic_of(teller)) as ear:
            for number in range(1, 4):
                await asyncio.to_thread(cut_off_and_tell, number)
                await ear.until(lambda ear, number=number: ear.heard == list(range(1, number + 1)))
            assert ear.resets == []
        await in_thread(lambda: connections["postgresql"].close())  # cut off too

    def cut_off_and_tell(number):
        end_other_sessions()
        teller.send("tell", [number])
        connections["postgresql"].close()

    asyncio.run(main())
