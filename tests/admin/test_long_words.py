"""A key, or an error, that is one long word: no page gets wider by it, and no column is pushed out of a list."""

import pytest

from actorqueues.models import DeadLetter, Message
from tests.admin.browsing import HEARD
from tests.admin.pages import page
from tests.consumers.actors import Parrot
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import eventually

pytestmark = [only_sqlite, pytest.mark.usefixtures("these_actors")]

KEY, WORD = "k" * 128, "x" * 600
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OVER = "(box => box.scrollWidth / box.clientWidth)(document.querySelector('.results'))"


@pytest.fixture
def letter(start_worker):
    start_worker()
    parrot = Parrot.get_or_create(KEY)
    parrot.send("refuse", WORD)
    parrot.send("say", "later", delay=3600)
    return eventually(DeadLetter.objects.first)


@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_is_wider_than_its_window(person, letter, width):
    person.page.set_viewport_size({"width": width, "height": 900})
    for address in (
        page("overview"),
        page("actorinstance", "change", letter.actor_id),
        page("message", "change", Message.objects.get().uid.hex),
        page("deadletter", "change", letter.pk),
        page("message", "add") + f"?type=parrot&queue=say&key={KEY}",
    ):
        person.go(address)
        person.page.evaluate(HEARD)
        assert person.page.evaluate(WIDER) <= 0, address
    person.go(page("deadletter", "change", letter.pk))
    person.press("Replay")
    person.page.wait_for_selector(".aq-confirm")
    assert person.page.evaluate(WIDER) <= 0


@pytest.mark.parametrize("model", ["actorinstance", "message", "deadletter"])
def test_lists_show_their_other_columns_too(person, letter, model):
    person.go(page(model))
    person.sees(KEY)
    assert person.page.evaluate(OVER) < 1.6
