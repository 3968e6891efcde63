"""The inspector under django-unfold, by its mixins."""

import pytest

from actorqueues.definitions.keys import actor_id_for
from actorqueues.models import ActorInstance, Message, Worker
from tests.admin.pages import page
from tests.consumers.actors import Parrot
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import eventually

pytestmark = [only_sqlite, pytest.mark.usefixtures("these_actors")]

POLLY = actor_id_for("parrot", "polly")
BARE = """[...document.querySelectorAll('.aq :is(input:not([type=hidden]), textarea, select)')]
    .filter((one) => getComputedStyle(one).borderTopWidth === '0px').map((one) => one.name || one.value)"""


@pytest.fixture
def person(meet, start_admin):
    return meet(start_admin(dressed=True))


def test_every_page_is_dressed_and_works(person, start_worker):
    start_worker(grace=0.1)
    polly = Parrot.get_or_create("polly")
    polly.ask("say", "hello", timeout=20)
    polly.send("sleep", 60)
    eventually(lambda: Message.objects.filter(started_at__isnull=False).exists())
    for name, address, words in (
        ("overview", page("overview"), "Oldest waiting message"),
        ("actors", page("actorinstance"), "parrot/polly"),
        ("actor", page("actorinstance", "change", POLLY), "in flight since"),
        ("messages", page("message"), "parrot/polly"),
        ("message", page("message", "change", Message.objects.get().uid.hex), "in flight"),
        ("send", page("message", "add") + "?type=parrot&key=polly&queue=say_many", "count"),
        ("dead-letters", page("deadletter"), "0 dead letters"),
        ("worker", page("worker", "change", Worker.objects.get().pk), "parrot/polly"),
    ):
        person.go(address)
        person.sees(words)
        person.picture(f"unfold-{name}")
        assert person.page.evaluate(BARE) == [], name
    person.go(page("actorinstance", "change", POLLY))
    person.sees("Live")
    person.press("Pause")
    person.sees("Pause this actor?")
    person.picture("unfold-confirm")
    assert person.page.evaluate(BARE) == []
    person.confirm()
    person.sees("Paused 1 actor.")
    assert ActorInstance.objects.get(pk=POLLY).paused_at
