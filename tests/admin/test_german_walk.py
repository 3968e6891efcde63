"""A German in front of the inspector: what scripts write is in German too, and longer words have room."""

import pytest

from actorqueues.definitions.keys import actor_id_for
from actorqueues.models import DeadLetter, Message
from tests.admin.pages import page
from tests.consumers.actors import Parrot
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import eventually

pytestmark = [only_sqlite, pytest.mark.usefixtures("these_actors")]

POLLY = actor_id_for("parrot", "polly")
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BOXES = ".aq-figure, .aq-facts > div, .aq-badge, .aq-operations, .aq-table, button, .button"
CUT_OFF = f"""[...document.querySelectorAll('{BOXES}')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth).map((one) => one.textContent)"""


@pytest.fixture
def german(meet):
    return meet(locale="de-DE")


@pytest.fixture
def busy(start_worker):
    start_worker(grace=0.1)
    polly = Parrot.get_or_create("polly")
    polly.ask("say", "hello", timeout=20)
    polly.send("refuse", "no crackers")
    eventually(DeadLetter.objects.exists)
    polly.send("sleep", 60)
    polly.send("say", "later", delay=3600)
    eventually(lambda: Message.objects.filter(started_at__isnull=False).exists())


def test_everything_has_room(german, busy):
    for name, address in {
        "overview": page("overview"),
        "actor": page("actorinstance", "change", POLLY),
        "actors": page("actorinstance"),
        "messages": page("message"),
        "message": page("message", "change", Message.objects.latest("id").uid.hex),
        "dead-letters": page("deadletter"),
        "send": page("message", "add") + "?type=parrot&key=polly&queue=say_many",
    }.items():
        german.go(address)
        german.sees("Akteur")
        german.picture(f"german-{name}")
        assert german.page.evaluate(WIDER) <= 0, f"{name} is wider than the window"
        assert german.page.evaluate(CUT_OFF) == [], name


def test_scripts_write_german(german, busy):
    german.go(page("overview"))
    german.sees("Wartende Nachrichten")
    german.sees("Live")
    german.page.click(".aq-live-pause")
    german.sees("Pausiert")
    german.page.hover(".aq-chart[data-kind=latency] .u-over")
    assert german.page.inner_text(".aq-chart[data-kind=latency] .aq-legend").startswith("Hälfte binnen")


def test_lists_of_long_words_are_not_much_wider_than_their_box(german, busy):
    german.go(page("deadletter"))
    german.picture("german-dead-letters")
    over = german.page.evaluate(
        "(box => box.scrollWidth / box.clientWidth)(document.querySelector('.results'))"
    )
    assert over < 1.2
