"""The browser client in a real Chromium, against a real daphne and a real worker."""

import os
import shutil
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import find

from actorqueues.models import Message
from tests.consumers.actors import Parrot
from tests.consumers.chromium import Chromium
from tests.consumers.way import Way
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import PATIENCE, eventually

# Of the page: whatever is not the module itself is a violation.
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self' ws:; style-src 'self'"
PAGE = """<!doctype html><title>actors</title><script type="module" src="/page.js"></script>
<actor-progress actor="parrot" key='["x"]' message="{message}" label="Packing"></actor-progress>"""
SCRIPT = """
import { createClient } from "/static/actorqueues/client.js";
window.client = createClient();
window.parrot = client.parrot.getOrCreate(["x"]);
window.heard = [];
window.told = [];
for (const name of ["progress", "settled"])
  document.addEventListener(name, (event) => told.push([name, event.detail]));
window.ready = true;
"""

pytestmark = only_sqlite


@pytest.fixture(scope="module")
def chromium():
    path = os.environ.get("AQ_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium here")
    with Chromium(path) as browser:
        yield browser


@pytest.fixture
def way(server):
    way = Way(server)
    yield way
    way.close()


@pytest.fixture
def open_page(chromium, way):
    """``open_page(message=…)``: a page with the client, from the server's own address. It fails with errors."""
    contexts, problems = [], []

    def open_page(session=None, message=""):
        context = chromium.new_context()
        contexts.append(context)
        if session:
            context.add_cookies([{"name": "sessionid", "value": session, "url": f"http://{way.address}"}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console", lambda said: problems.append(said.text) if "Content Security" in said.text else None
        )
        serve(page, message)
        page.goto(f"http://{way.address}/page")
        until(page, "window.ready")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


def serve(page, message):
    module, script = Path(find("actorqueues/client.js")).read_text(), "text/javascript"
    page.route("**/page.js", giving(body=SCRIPT, content_type=script))
    page.route("**/static/actorqueues/client.js", giving(body=module, content_type=script))
    headers = {"Content-Security-Policy": POLICY}
    page.route(
        "**/page", giving(body=PAGE.format(message=message), content_type="text/html", headers=headers)
    )


def until(page, expression):
    """Playwright's own way evaluates text in the page, which the page's policy forbids."""
    eventually(lambda: page.evaluate(expression))


def giving(**answer):
    return lambda route: route.fulfill(**answer)


def test_messages_actions_and_refusals(start_worker, open_page):
    start_worker()
    page = open_page()
    answer = page.evaluate("parrot.send('say', 'hello', {wait: true, timeout: 8000})")
    assert answer | {"id": ""} == {"id": "", "status": "completed", "response": "HELLO", "error": None}
    stored = page.evaluate("parrot.queue.say.send('again')")
    assert stored["status"] == "queued"
    assert Parrot.get_or_create("x").wait_for(stored["id"], timeout=PATIENCE).response == "AGAIN"
    assert page.evaluate("parrot.call('heard', 2)") == ["hello", "again"] * 2
    failed = page.evaluate("parrot.send('refuse', 'no', {wait: true, timeout: 8000})")
    assert (failed["status"], failed["error"]) == ("failed", "no")
    code = "client.{}.getOrCreate('x').send('{}', 1).catch((error) => [error.name, error.code])"
    assert page.evaluate(code.format("vault", "open")) == ["ActorError", "actor.unknown_type"]
    assert page.evaluate(code.format("parrot", "say")) == ["ActorError", "queue.message_invalid"]


def test_a_reply_that_takes_too_long_is_no_error(open_page):
    answer = open_page().evaluate("parrot.send('say', 'hello', {wait: true, timeout: 50})")
    assert answer["status"] == "timedOut"
    assert Message.objects.get().uid.hex == answer["id"]


def test_a_lost_connection_misses_no_event(start_worker, open_page, way):
    start_worker()
    page, parrot = open_page(), Parrot.get_or_create("x")
    page.evaluate(
        "new Promise((done) => parrot.on('said', (data, event) => heard.push([event.number, data]),"
        " {subscribed: done}))"
    )
    for turn in range(3):
        parrot.send("say", f"live {turn}", wait=True)
        until(page, f"heard.length >= {2 * turn + 1}")
        with way.closed():
            until(page, "client.status === 'waiting'")
            parrot.send("say", f"missed {turn}", wait=True)
    until(page, "heard.length >= 6")
    words = [f"{what} {turn}" for turn in range(3) for what in ("live", "missed")]
    assert page.evaluate("heard") == [[number, word] for number, word in enumerate(words, 1)]


def test_what_is_sent_while_the_connection_is_lost_is_stored_once(open_page, way):
    page = open_page()
    page.evaluate("parrot.send('say', 'first')")
    with way.closed():
        until(page, "client.status !== 'connected'")
        page.evaluate("window.later = parrot.send('say', 'second'); 0")
        taken = way.taken
        eventually(lambda: way.taken > taken + 1)  # it tries again and again
    assert page.evaluate("later.then((answer) => answer.status)") == "queued"
    assert Message.objects.count() == 2


def test_a_send_whose_answer_is_lost_is_not_stored_twice(open_page, way):
    page = open_page()
    page.evaluate("parrot.send('say', 'first')")
    page.evaluate("window.later = parrot.send('say', 'second', {wait: true, timeout: 60000}); 0")
    eventually(lambda: Message.objects.count() == 2)
    way.cut()
    until(page, "client.status !== 'connected'")
    until(page, "client.status === 'connected'")
    page.evaluate("parrot.send('say', 'third')")
    assert Message.objects.count() == 3


def test_an_action_under_way_when_the_connection_is_lost_is_not_run_again(open_page, way):
    page = open_page()
    page.evaluate("parrot.send('say', 'first')")
    page.evaluate("window.code = parrot.call('dawdle', 30).catch((error) => error.code); 0")
    page.evaluate("parrot.send('say', 'second')")  # by now it has left
    way.cut()
    assert page.evaluate("code") == "client.connection_lost"


def test_progress_survives_a_reload_of_the_page(start_worker, open_page):
    parrot = Parrot.get_or_create("x")
    message = parrot.send("pack", 40).id
    page = open_page(message=message)
    bar = page.locator("actor-progress progress")
    start_worker()
    until(page, "told.length > 1")
    assert page.evaluate("told[0]")[0] == "progress"
    page.reload()
    until(page, "window.ready")
    until(page, "told.length > 0")
    assert bar.get_attribute("aria-label") == "Packing"
    until(page, "told.at(-1)?.[0] === 'settled'")
    assert page.evaluate("told.at(-1)[1]") == {"status": "completed", "response": "packed", "error": None}
    assert page.locator("actor-progress").get_attribute("status") == "completed"
    last = [one[1] for one in page.evaluate("told") if one[0] == "progress"][-1]
    assert last == {"done": 40, "total": 40, "note": "packing", "attempt": 1}


def test_a_user_hears_what_is_addressed_to_them_and_nothing_else(start_worker, open_page, log_in):
    start_worker()
    _, session = log_in("anna")
    page, stranger = open_page(session), open_page()
    hears = "client.onUser('*', (data, event) => heard.push([event.actor, event.name, data]))"
    listens = "new Promise((done) => parrot.on('note', (data) => heard.push(data), {subscribed: done}))"
    page.evaluate(f"{hears}; 0")
    stranger.evaluate(listens)
    page.evaluate("parrot.send('say', 'aloud', {wait: true})")
    page.evaluate("parrot.send('notify', 'psst', {wait: true})")
    until(page, "heard.length >= 1")
    assert page.evaluate("heard") == [["parrot", "note", "psst"]]
    assert stranger.evaluate("heard") == []


def test_a_closed_client_refuses_what_comes_after(open_page):
    page = open_page()
    page.evaluate("window.waiting = parrot.send('say', 'x', {wait: true}).catch((error) => error.code); 0")
    page.evaluate("client.close()")
    assert page.evaluate("waiting") == "client.closed"
    assert page.evaluate("parrot.send('say', 'x').catch((error) => error.code)") == "client.closed"
