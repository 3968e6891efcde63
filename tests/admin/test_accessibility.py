"""Every page of the inspector under axe-core, in light and dark: nothing serious."""

import json
from pathlib import Path

import pytest

from actorqueues.definitions.keys import actor_id_for
from actorqueues.models import DeadLetter, Message, Worker
from tests.admin.browsing import Person
from tests.admin.browsing import chromium as chromium
from tests.admin.pages import page
from tests.admin.servers import start_admin as start_admin
from tests.admin.servers import these_actors as these_actors
from tests.consumers.actors import Parrot
from tests.fixtures.backends import only_sqlite
from tests.fixtures.npm import npm_install as npm_install
from tests.fixtures.workers import eventually

pytestmark = [only_sqlite, pytest.mark.usefixtures("these_actors")]

POLLY = actor_id_for("parrot", "polly")
SERIOUS = ("serious", "critical")
# The admin's own; what it does wrong is not ours to mend.
OURS = {
    "include": [["#content"]],
    "exclude": [["#changelist-filter"], ["#toolbar"], [".actions"], [".paginator"]],
}


@pytest.fixture
def axe(npm_install):
    directory = npm_install("axe", [Path(__file__).parent / "axe" / "package.json"])
    return (directory / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def busy(start_worker):
    """Something to be seen on every page."""
    start_worker()
    polly = Parrot.get_or_create("polly")
    polly.ask("say", "hello", timeout=20)
    polly.send("refuse", "no crackers")
    eventually(DeadLetter.objects.exists)
    polly.send("sleep", 60)
    polly.send("say", "later", delay=3600)
    eventually(lambda: Message.objects.filter(started_at__isnull=False).exists())


def pages():
    yield "overview", page("overview")
    yield "doctor", page("overview", "doctor")
    yield "settings", page("overview", "settings")
    for model, found in (("message", Message), ("deadletter", DeadLetter), ("worker", Worker)):
        yield f"{model} list", page(model)
        yield f"{model} page", page(model, "change", found.objects.first().pk)
    yield "actor list", page("actorinstance")
    yield "actor page", page("actorinstance", "change", POLLY)
    yield "send", page("message", "add") + "?type=parrot&key=polly&queue=say_many"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_wrong(chromium, start_admin, axe, busy, scheme):
    somebody = Person(chromium, start_admin(), color_scheme=scheme)
    somebody.log_in()
    wrong = []
    for name, address in pages():
        somebody.go(address)
        somebody.picture(f"{scheme}-{name.replace(' ', '-')}")
        assert somebody.complaints == []  # of the page; axe itself sets styles that the policy forbids
        somebody.page.evaluate(axe + "; 0")
        found = somebody.page.evaluate(f"axe.run({json.dumps(OURS)}, {{resultTypes: ['violations']}})")
        assert found["passes"], name
        wrong += [
            (name, one["id"], node["target"], node.get("failureSummary", ""))
            for one in found["violations"]
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]
        somebody.complaints.clear()
    somebody.close()
    assert wrong == []


def test_axe_sees_what_is_wrong(chromium, start_admin, axe):
    """Or the test above could not fail."""
    somebody = Person(chromium, start_admin())
    somebody.log_in()
    somebody.go(page("overview"))
    somebody.page.evaluate("document.querySelector('#content').append(document.createElement('button')); 0")
    somebody.page.evaluate(axe + "; 0")
    found = somebody.page.evaluate(f"axe.run({json.dumps(OURS)}, {{resultTypes: ['violations']}})")
    somebody.close()
    assert [one["id"] for one in found["violations"] if one["impact"] in SERIOUS] == ["button-name"]
