"""Every page of the inspector under axe-core, in light and dark: nothing serious."""

import json
from pathlib import Path

import pytest

from actorqueues.definitions.keys import actor_id_for
from actorqueues.models import ActorInstance, DeadLetter, Message, Worker
from tests.admin.browsing import HEARD
from tests.admin.pages import page
from tests.consumers.actors import Parrot
from tests.fixtures.backends import only_sqlite
from tests.fixtures.npm import npm_install as npm_install
from tests.fixtures.workers import eventually

pytestmark = [only_sqlite, pytest.mark.usefixtures("these_actors")]

POLLY, PAULA = (actor_id_for("parrot", key) for key in ("polly", "paula"))
SEND = page("message", "add") + "?type=parrot&key=polly&queue=say_many"
SERIOUS = ("serious", "critical")
# The admin's own; what it does wrong is not ours to mend.
OURS = {
    "include": [["#content"]],
    "exclude": [["#changelist-filter"], ["#toolbar"], [".actions"], [".paginator"]],
}
# All rules in light; in dark those about colours, for nothing else is other there.
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}
SETTLED = "document.getAnimations().forEach((one) => one.finish())"  # colours change slowly


@pytest.fixture
def axe(npm_install):
    directory = npm_install("axe", [Path(__file__).parent / "axe" / "package.json"])
    return (directory / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def busy(start_worker):
    """Something to be seen on every page."""
    start_worker(sleep_after=0.1, grace=0.1)
    Parrot.get_or_create("paula").ask("say", "asleep", timeout=20)
    polly = Parrot.get_or_create("polly")
    polly.ask("say", "hello", timeout=20)
    polly.send("refuse", "no crackers")
    eventually(DeadLetter.objects.exists)
    polly.send("sleep", 60)
    polly.send("say", "later", delay=3600)
    eventually(lambda: Message.objects.filter(started_at__isnull=False).exists())
    eventually(lambda: ActorInstance.objects.filter(id=PAULA, worker_id=None).exists())


def pages():
    yield "overview", page("overview")
    yield "doctor", page("overview", "doctor")
    yield "settings", page("overview", "settings")
    for model, found in (("message", Message), ("deadletter", DeadLetter), ("worker", Worker)):
        yield f"{model} list", page(model)
        yield f"{model} page", page(model, "change", found.objects.first().pk)
    yield "actor list", page("actorinstance")
    yield "actor page", page("actorinstance", "change", POLLY)
    yield "send", SEND


def forms_with_errors():
    """Name, address, and what is done there."""
    yield "choose with errors", page("message", "add") + "?place=parrot/say&key=", None
    yield "send with errors", SEND, lambda somebody: somebody.press("Send")
    yield "state with errors", page("actorinstance", "state", PAULA), store_nonsense


def questions():
    """Every kind: with a warning, with a note, about one thing and about many."""
    actor = page("actorinstance", "change", POLLY)
    later = page("message", "change", Message.objects.latest("id").uid.hex)
    for name in ("Pause", "Destroy"):
        yield f"confirm {name}", actor, lambda somebody, name=name: somebody.press(name)
    for name in ("Cancel", "Make a dead letter"):
        yield f"confirm {name}", later, lambda somebody, name=name: somebody.press(name)
    letter = page("deadletter", "change", DeadLetter.objects.get().pk)
    yield "confirm Replay", letter, lambda somebody: somebody.press("Replay")
    purge = "button[aria-label='Purge: parrot/say']"
    yield "confirm Purge", page("overview"), lambda somebody: somebody.page.click(purge)
    yield "confirm many", page("actorinstance"), pause_all


def store_nonsense(somebody):
    somebody.page.fill("textarea[name=state]", "{")
    somebody.press("Store")


def pause_all(somebody):
    somebody.page.check("#action-toggle")
    somebody.page.select_option("select[name=action]", "pause")
    somebody.page.click(".actions button[name=index]")


def wrong_on(somebody, axe, name):
    """What axe finds in both schemes."""
    somebody.page.evaluate(axe + "; 0")
    for scheme, rules in RULES.items():
        somebody.page.emulate_media(color_scheme=scheme)
        somebody.page.evaluate(HEARD)
        somebody.page.evaluate(SETTLED)
        somebody.picture(f"{scheme}-{name.replace(' ', '-')}")
        assert somebody.complaints == [], name
        options = json.dumps({"resultTypes": ["violations"], **rules})
        found = somebody.page.evaluate(f"axe.run({json.dumps(OURS)}, {options})")
        somebody.page.evaluate(HEARD)
        somebody.complaints.clear()  # axe itself sets styles that the policy forbids
        assert found["passes"], name
        for one in found["violations"]:
            if one["impact"] in SERIOUS:
                for node in one["nodes"]:
                    yield name, scheme, one["id"], node["target"], node.get("failureSummary", "")


def test_nothing_serious_is_wrong_with_pages(person, axe, busy):
    wrong = []
    for name, address in pages():
        person.go(address)
        wrong += wrong_on(person, axe, name)
    assert wrong == []


def test_nothing_serious_is_wrong_with_forms_that_have_errors(person, axe, busy):
    wrong = []
    for name, address, act in forms_with_errors():
        person.go(address)
        if act:
            act(person)
        person.page.wait_for_selector(".errorlist")
        wrong += wrong_on(person, axe, name)
    assert wrong == []


def test_nothing_serious_is_wrong_with_questions(person, axe, busy):
    wrong = []
    for name, address, act in questions():
        person.go(address)
        act(person)
        person.page.wait_for_selector(".aq-confirm")
        wrong += wrong_on(person, axe, name)
    assert wrong == []


@pytest.mark.parametrize(
    ("spoil", "scheme", "rule"),
    [
        (
            "document.querySelector('#content').append(document.createElement('button'))",
            "light",
            "button-name",
        ),
        ("document.querySelector('.aq-note').style.color = '#444'", "dark", "color-contrast"),
    ],
    ids=["a button without a name", "grey on black"],
)
def test_axe_sees_what_is_wrong(person, axe, spoil, scheme, rule):
    """Or the tests above could not fail."""
    person.go(page("overview"))
    person.page.evaluate(f"{spoil}; 0")
    assert (scheme, rule) in [found[1:3] for found in wrong_on(person, axe, "spoiled")]
