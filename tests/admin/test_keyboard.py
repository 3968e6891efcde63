"""From the login to what was done, with the keyboard alone: everything is reached, and one sees where one is."""

import pytest
from django.contrib.auth.models import User

from actorqueues.admin.texts import short
from actorqueues.definitions.keys import actor_id_for
from actorqueues.models import DeadLetter, Message
from tests.admin.browsing import PASSWORD, Person
from tests.admin.pages import page
from tests.consumers.actors import Parrot
from tests.fixtures.backends import only_sqlite

pytestmark = [only_sqlite, pytest.mark.usefixtures("these_actors")]

MOST = 120  # keys to what is looked for
HERE = """(() => {
  const { localName, value, textContent, id } = document.activeElement;
  return [localName, id || "", (localName === "input" ? value : textContent).trim()];
})()"""
OURS = "document.activeElement.closest('#content') !== null"
BOX = """(() => {
  const { left, top, width, height } = document.activeElement.getBoundingClientRect();
  return { x: left - 6, y: top - 6, width: width + 12, height: height + 12 };
})()"""
AWAY = "window.left = document.activeElement; left.blur(); 0"
BACK = "left.focus({ preventScroll: true }); 0"


class Typist:
    """``unseen``: where the focus was and did not show."""

    def __init__(self, person):
        self.person, self.page, self.unseen = person, person.page, []

    def type(self, text):
        self.page.keyboard.type(text)

    def strike(self, key):
        self.page.keyboard.press(key)

    def tab_to(self, kind, text):
        """Until the focus is on an element of this kind that says so, or has this id."""
        stops = []
        for _ in range(MOST):
            self.strike("Tab")
            found_kind, name, said = self.page.evaluate(HERE)
            stops.append((found_kind, name, said))
            if self.page.evaluate(OURS) and not self.is_seen():
                self.unseen.append((found_kind, name, said))
            if found_kind == kind and text in (name, said):
                return
        raise AssertionError(f"{MOST} keys do not lead to {kind} {text!r}, but to {stops}")

    def is_seen(self):
        """Whether it looks otherwise without the focus. (Pictures leave out the caret.)"""
        box = self.page.evaluate(BOX)
        focused = self.page.screenshot(clip=box, animations="disabled")
        self.page.evaluate(AWAY)
        plain = self.page.screenshot(clip=box, animations="disabled")
        self.page.evaluate(BACK)
        return focused != plain

    def enter(self, words):
        """Leads to a page with these words."""
        self.strike("Enter")
        self.person.sees(words)


@pytest.fixture
def visitor(chromium, admin):
    User.objects.create_superuser("boss", password=PASSWORD)
    somebody = Person(chromium, admin)
    yield somebody
    somebody.close()
    assert not somebody.complaints, somebody.complaints


def test_a_message_is_put_aside_by_keyboard(visitor):
    Parrot.get_or_create("polly").send("say", "hello")
    message = Message.objects.get()
    keys = Typist(visitor)
    visitor.go("/admin/")
    keys.tab_to("input", "id_username")
    keys.type("boss")
    keys.tab_to("input", "id_password")
    keys.type(PASSWORD)
    keys.enter("Site administration")
    keys.tab_to("a", "Messages")
    keys.enter("Select message to view")
    keys.tab_to("a", short(message.uid))
    keys.enter(f"Message {message.uid.hex}")
    keys.tab_to("button", "Make a dead letter")
    keys.enter("Why?")
    keys.tab_to("input", "aq-note")
    keys.type("by hand")
    keys.tab_to("input", "Make a dead letter")
    keys.enter("1 message")
    assert DeadLetter.objects.get().uid == message.uid
    assert keys.unseen == []


def test_every_stop_of_live_pages_is_seen(visitor, start_worker):
    start_worker(grace=0.1)
    Parrot.get_or_create("polly").ask("say", "hello", timeout=20)
    visitor.log_in("chief")
    keys = Typist(visitor)
    visitor.go(page("overview"))
    keys.tab_to("summary", "As a table")
    keys.tab_to("button", "Pause")  # the first one of many
    visitor.go(page("actorinstance", "change", actor_id_for("parrot", "polly")))
    keys.tab_to("summary", "1 entry")
    assert keys.unseen == []
