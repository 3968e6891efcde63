"""The socket of live pages: real daphne, real worker, both databases."""

import asyncio
import json
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.db import connections
from django.test.utils import CaptureQueriesContext
from websockets.exceptions import InvalidStatus

from actorqueues.admin import watching
from actorqueues.admin.fingerprints import OneActor, Overview, thing_named
from actorqueues.admin.watching import GAP, unwatch, watch
from actorqueues.conf import settings
from actorqueues.events.hub import event_hub_of
from actorqueues.storage.pausing import pause_type
from tests.consumers.actors import Parrot
from tests.consumers.browser import Browser
from tests.fixtures.backends import only_postgresql, only_sqlite
from tests.fixtures.workers import PATIENCE

pytestmark = pytest.mark.usefixtures("these_actors")


class Page(Browser):
    """As a live page has it. ``answers=False`` leaves pings unanswered."""

    def __init__(self, server, session, of="overview", **options):
        path = f"/ws/actorqueues/admin/?watch={of}"
        super().__init__(server, session=session, path=path, subprotocols=None, **options)

    async def receive(self):
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
            if frame["type"] != "ping":
                return frame
            if self.answers:
                await self.send(type="pong")

    async def calm(self, seconds=1.2):
        """Two looks have gone by without a change. How many changes were told before."""
        told = 0
        while True:
            try:
                await asyncio.wait_for(self.next("changed"), seconds)
            except TimeoutError:
                return told
            told += 1


@pytest.fixture
def boss(log_in):
    """The session of one who may do everything."""
    return log_in("boss", is_staff=True, is_superuser=True)[1]


def of(parrot):
    return f"actor:{parrot._target.actor_id.hex}"


async def refusal(*arguments, **options):
    with pytest.raises(InvalidStatus) as caught:
        async with Page(*arguments, **options):
            pass
    return caught.value.response.status_code


@dataclass(frozen=True)
class CountedActor(OneActor):
    looks: ClassVar[list] = []

    def look(self, using):
        self.looks.append(using)
        return super().look(using)


@only_sqlite
def test_only_staff_with_the_page_s_permission_from_here_is_let_in(admin, log_in, boss):
    server, parrot = admin, of(Parrot.get_or_create("x"))
    _, visitor = log_in("visitor")
    viewer, seeing = log_in("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_actorinstance"))
    gone, inactive = log_in("gone", is_staff=True, is_superuser=True)
    User.objects.filter(pk=gone.pk).update(is_active=False)

    async def main():
        for session in (None, visitor, inactive, "nonsense"):
            for name in ("overview", parrot):
                assert await refusal(server, session, name) == 403
        assert await refusal(server, seeing, "overview") == 403
        async with Page(server, seeing, parrot) as page:
            assert page.hello == {"type": "hello", "heartbeat": 25_000}
        async with Page(server, boss):
            pass
        for origin in ("http://evil.example", f"http://{server}.evil.example", "null"):
            assert await refusal(server, boss, origin=origin) in (400, 403)  # daphne's own, or ours
        for name in ("", "everything", "actor:", "actor:x", "actor:" + "0" * 31):
            assert await refusal(server, boss, name) == 403

    asyncio.run(main())


def test_what_happens_to_an_actor_is_told(start_worker, admin, boss):
    server, parrot = admin, Parrot.get_or_create("x")

    async def main():
        async with Page(server, boss, of(parrot)) as page, Page(server, boss, of(Parrot.get("y"))) as other:
            await parrot.asend("sleep", 0)
            await page.next("changed")
            await page.calm()
            await asyncio.to_thread(start_worker)
            await page.next("changed")
            await page.calm()
            await parrot.apause()
            await page.next("changed")
            await page.calm()
            await parrot.aresume()
            await page.next("changed")
            await page.calm()
            await asyncio.to_thread(pause_type, "parrot", "say", using=settings.DATABASE)
            await page.next("changed")
            assert not other.frames

    asyncio.run(main())


def test_events_are_told_also_those_that_are_not_stored(start_worker, admin, boss):
    start_worker()
    server, parrot = admin, Parrot.get_or_create("x")
    parrot.send("say", "hello", wait=True)

    async def main():
        async with Page(server, boss, of(parrot)) as page:
            await page.calm()
            await parrot.acall("whisper", "psst")
            assert await page.next("changed")
            await page.calm()
            await parrot.asend("say", "again")
            assert await page.next("changed")

    asyncio.run(main())


def test_the_overview_is_told_of_mail_workers_and_pauses(start_worker, admin, boss):
    server, parrot = admin, Parrot.get_or_create("x")

    async def main():
        async with Page(server, boss) as page:
            await parrot.asend("say", "hello")
            assert await page.next("changed")
            await asyncio.to_thread(start_worker)
            assert await page.next("changed")
            await page.calm(4.5)
            await asyncio.to_thread(pause_type, "parrot", "", using=settings.DATABASE)
            assert await page.next("changed")

    asyncio.run(main())


def test_many_changes_are_told_as_few(start_worker, admin, boss):
    start_worker()
    server, parrot = admin, Parrot.get_or_create("x")

    async def main():
        async with Page(server, boss, of(parrot)) as page:
            began = asyncio.get_running_loop().time()
            await parrot.asend("pack", 60)  # 3 s of progress, ten times a second
            await page.next("changed")
            await parrot.asend("say", "done")
            told, took = await page.calm(), asyncio.get_running_loop().time() - began
        assert 3 < told <= 2 + took / GAP

    asyncio.run(main())


@only_sqlite
def test_who_is_no_longer_who_they_were_is_sent_away(start_admin, log_in, boss):
    server = start_admin(settings={"WEBSOCKET_RECHECK": 0.3})
    viewer, seeing = log_in("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_actorinstance"))
    parrot = of(Parrot.get_or_create("x"))

    async def main():
        async with Page(server, boss) as page, Page(server, seeing, parrot) as other:
            await asyncio.to_thread(Session.objects.filter(pk=boss).delete)
            assert await page.closed() == 4401
            await asyncio.to_thread(viewer.user_permissions.clear)
            assert await other.closed() == 4401

    asyncio.run(main())


@only_sqlite
def test_who_answers_no_ping_is_dropped(start_admin, boss):
    server = start_admin(settings={"WEBSOCKET_HEARTBEAT": 0.1, "WEBSOCKET_PATIENCE": 0.3})

    async def main():
        async with Page(server, boss, answers=False) as silent, Page(server, boss) as page:
            answering = asyncio.create_task(page.closed())
            assert await silent.closed() == 4408
            await asyncio.sleep(1)
            assert not answering.done()
            answering.cancel()

    asyncio.run(main())


@only_postgresql
def test_a_database_that_is_away_ends_nothing(start_admin, boss, proxy):
    server, parrot = start_admin(route=proxy.address), Parrot.get_or_create("x")

    async def main():
        async with Page(server, boss, of(parrot)) as page:
            with proxy.refusing():
                await parrot.asend("say", "meanwhile")
                await asyncio.sleep(1.5)
            assert await page.next("changed")
            await page.calm()
            await parrot.asend("say", "afterwards")
            assert await page.next("changed")

    asyncio.run(main())


def test_a_thing_is_looked_at_once_for_all_and_not_at_all_when_nobody_watches(backend):
    told = []
    one, other = (lambda: told.append("one")), (lambda: told.append("other"))
    parrot, hub = Parrot.get_or_create("x"), event_hub_of(backend)
    Parrot.create("x")
    thing = CountedActor(parrot._target.actor_id)

    async def main():
        first, second = watch(thing, one), watch(CountedActor(thing.actor_id), other)
        assert first is second
        await asyncio.wait_for(first.begun.wait(), PATIENCE)
        assert hub.listeners == 1
        await parrot.asend("say", "hello")
        async with asyncio.timeout(PATIENCE):
            while len(told) < 2:
                await asyncio.sleep(0.01)
        unwatch(first, one)
        unwatch(first, one)  # is nothing new
        assert watching.watches
        unwatch(second, other)
        assert not watching.watches
        assert not hub.listeners
        await asyncio.sleep(0.2)  # a look that was under way
        looks = len(thing.looks)
        assert looks
        await asyncio.sleep(3 * thing.every)
        assert len(thing.looks) == looks

    asyncio.run(main())
    assert sorted(told) == ["one", "other"]


def test_a_look_takes_few_queries(backend):
    parrot = Parrot.get_or_create("x")
    parrot.send("say", "hello")
    for thing in (Overview(), OneActor(parrot._target.actor_id)):
        with CaptureQueriesContext(connections[backend]) as captured:
            thing.look(backend)
        assert len(captured) <= 8


def test_names_of_things():
    assert thing_named("overview") == Overview()
    assert thing_named("actor:" + "1" * 32) == OneActor(UUID("1" * 32))
    for name in ("", "actor", "actor:", "actor:" + "1" * 33, "worker:" + "1" * 32):
        assert thing_named(name) is None
