"""A person's way through the inspector, in a real Chromium with a real server and a real worker."""

import json

import pytest
from django.db import connections, transaction

from actorqueues.definitions.keys import actor_id_for
from actorqueues.models import ActorInstance, DeadLetter, Event, Message, Pause
from tests.admin.pages import page
from tests.consumers.actors import Parrot
from tests.fixtures.backends import only_postgresql
from tests.fixtures.workers import eventually

pytestmark = pytest.mark.usefixtures("these_actors")

POLLY = actor_id_for("parrot", "polly")
AS_IF = (
    "Object.defineProperty(document, 'visibilityState', {{value: '{}', configurable: true}});"
    "document.dispatchEvent(new Event('visibilitychange')); 0"
)


def test_a_message_goes_through_before_one_s_eyes(person, start_worker):
    polly = Parrot.get_or_create("polly")
    polly.pause()
    person.go(page("actorinstance", "change", POLLY))
    person.sees("Live")
    person.sees("No mail waits")
    polly.send("say", "hello")  # nothing is reloaded from here on
    person.sees("say ready")
    person.picture("actor-ready")
    start_worker()
    polly.resume()
    person.sees("No mail waits")
    person.sees("said")
    person.sees("awake")
    person.picture("actor-done")
    polly.send("sleep", 60)
    person.sees("in flight since")
    person.picture("actor-in-flight")
    assert Message.objects.get().started_at is not None


def test_the_overview_lives(person, start_worker):
    person.go(page("overview"))
    person.sees("Messages waiting 0")
    person.sees("No worker runs")
    Parrot.get_or_create("polly").send("say", "hello", delay=3600)
    person.sees("and 1 scheduled")
    worker = start_worker()
    person.sees("alive")
    Parrot.get_or_create("polly").send("refuse", "no crackers")
    person.sees("no crackers")
    assert person.page.evaluate("document.querySelectorAll('.aq-chart canvas').length") == 4
    person.picture("overview")
    worker.stop()


def test_a_dead_letter_is_replayed(person, start_worker):
    worker = start_worker()
    Parrot.get_or_create("polly").send("refuse", "no crackers")
    letter = eventually(DeadLetter.objects.first)
    worker.stop()
    person.go(page("deadletter"))
    person.sees("no crackers")
    person.picture("dead-letters")
    person.go(page("deadletter", "change", letter.pk))
    person.sees("no crackers")
    person.picture("dead-letter")
    person.press("Replay")
    person.picture("confirm-replay")
    person.confirm()
    person.sees("Replayed 1")
    assert Message.objects.get().uid == letter.pk
    assert not DeadLetter.objects.exists()


def test_an_actor_and_a_queue_are_paused_and_resumed(person, start_worker):
    start_worker()
    polly = Parrot.get_or_create("polly")
    polly.ask("say", "hello", timeout=20)
    person.go(page("actorinstance", "change", POLLY))
    person.press("Pause")
    person.sees("Pause this actor?")
    person.picture("confirm-pause")
    person.confirm()
    person.sees("Paused 1 actor.")
    assert ActorInstance.objects.get(pk=POLLY).paused_at
    polly.send("say", "later")
    person.sees("say ready")
    person.press("Resume")
    person.confirm()
    person.sees("Resumed 1 actor.")
    person.sees("No mail waits")
    person.go(page("overview"))
    person.page.click("button[aria-label='Pause: parrot/say']")
    person.confirm()
    person.sees("Paused 1 queue or type.")
    assert Pause.objects.get().queue == "say"
    person.page.click("button[aria-label='Resume: parrot/say']")
    person.confirm()
    person.sees("Resumed 1 queue or type.")


def test_a_message_is_sent_by_form(person, start_worker):
    start_worker()
    Parrot.get_or_create("polly").ask("say", "hello", timeout=20)
    person.go(page("actorinstance", "change", POLLY))
    person.page.click(".aq-sending a:text-is('say_many')")
    person.page.fill("input[name$=count]", "")
    person.page.evaluate("document.querySelector('#content form[method=post]').noValidate = true")
    person.press("Send")
    person.sees("required")  # next to the field
    person.picture("send-form-error")
    person.page.fill("input[name$=count]", "3")
    person.press("Send")
    person.sees("sent")
    person.picture("sent")
    many = Event.objects.filter(name="many").order_by("number")
    eventually(lambda: many.count() == 3)
    assert [json.loads(event.data)["number"] for event in many] == [0, 1, 2]


def test_state_is_edited(person, start_worker):
    worker = start_worker()
    Parrot.get_or_create("polly").ask("say", "by itself", timeout=20)
    worker.stop()
    person.go(page("actorinstance", "change", POLLY))
    person.press("Edit")
    person.page.fill("textarea[name=state]", '{"said": ["by hand"]}')
    person.picture("edit-state")
    person.press("Store")
    person.sees("The state is stored.")
    assert Parrot.get("polly").get_state() == {"said": ["by hand"]}
    person.sees("by hand")


def test_a_socket_tells_the_page(person):
    """Or the test below could not fail."""
    person.go(page("overview"))
    person.sees("Live")
    assert eventually(lambda: person.mode() == "live" and any("hello" in frame for frame in person.told))


def test_it_works_without_a_socket(meet, start_admin):
    person = meet(start_admin(env={"AQ_NO_SOCKET": "1"}))
    person.go(page("overview"))
    person.sees("Messages waiting 0")
    Parrot.get_or_create("polly").send("say", "hello", delay=3600)
    person.sees("and 1 scheduled")
    assert person.mode() == "polling"
    assert person.told == []
    person.bears("WebSocket connection to")  # none came about, and Chromium says so


@only_postgresql
def test_a_ping_before_the_hello_ends_no_socket(meet, start_admin, backend):
    person = meet(start_admin(settings={"WEBSOCKET_HEARTBEAT": 2, "WEBSOCKET_PATIENCE": 0.5}))
    person.page.add_init_script(AS_IF.format("hidden"))  # it waits with its socket
    person.go(page("overview"))
    with transaction.atomic(using=backend), connections[backend].cursor() as cursor:
        cursor.execute("LOCK TABLE actorqueues_pause")  # the first look takes longer than a heartbeat
        person.page.evaluate(AS_IF.format("visible"))
        eventually(lambda: person.page.evaluate("0") or any("ping" in frame for frame in person.told))
        person.page.wait_for_timeout(2000)
        assert len(person.sockets) == 1
        assert not any("hello" in frame for frame in person.told)
    eventually(lambda: person.mode() == "live")
    assert len(person.sockets) == 1


def test_a_project_below_a_prefix_is_live_too(meet, start_admin):
    somebody = meet(start_admin(prefix="/below/here"))
    somebody.go("/below/here" + page("overview"))
    somebody.sees("Live")
    assert "/below/here/ws/actorqueues/admin/" in somebody.sockets[0]
    Parrot.get_or_create("polly").send("say", "hello", delay=3600)
    somebody.sees("and 1 scheduled")
