"""The browser client in a real Chromium, against a real daphne and a real worker."""

from django.contrib.sessions.models import Session

from actorqueues.models import Message
from tests.consumers.actors import Parrot
from tests.consumers.chromium_pages import open_page as open_page
from tests.consumers.chromium_pages import problems as problems
from tests.consumers.chromium_pages import quick_way as quick_way
from tests.consumers.chromium_pages import until
from tests.consumers.chromium_pages import way as way
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import PATIENCE

pytestmark = only_sqlite


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


def test_a_page_whose_session_ends_is_told_and_stays_closed(open_page, quick_way, log_in):
    _, session = log_in("anna")
    message = Parrot.get_or_create("x").send("say", "x").id
    page = open_page(session, address=quick_way(WEBSOCKET_RECHECK=0.2).address)
    page.evaluate("window.codes = []; window.bar = document.querySelector('actor-progress'); 0")
    page.evaluate("parrot.on('said', () => {}, {error: (error) => codes.push(error.code)}); 0")
    page.evaluate(f"parrot.follow('{message}', {{error: (error) => codes.push(error.code)}}); 0")
    page.evaluate("parrot.send('say', 1, {wait: true}).catch((error) => codes.push(error.code)); 0")
    page.evaluate("parrot.send('say', 'x', {wait: true}).catch((error) => codes.push(error.code)); 0")
    page.evaluate("bar.client = client; 0")
    page.evaluate(f"bar.setAttribute('message', '{message}')")
    until(page, "client.status === 'connected' && codes.length === 1")
    Session.objects.all().delete()
    until(page, "codes.length === 4 && told.length === 1")
    assert sorted(page.evaluate("codes")) == ["auth.session_ended"] * 3 + ["queue.message_invalid"]
    assert page.evaluate("[told[0][0], told[0][1].code]") == ["lost", "auth.session_ended"]
    assert page.evaluate("bar.getAttribute('status')") == "unknown"  # the message may well be handled
    assert page.evaluate("client.status") == "closed"


def test_a_bar_that_follows_another_message_begins_anew(start_worker, open_page):
    parrot = Parrot.get_or_create("x")
    first, second = parrot.send("refuse", "no").id, parrot.send("pack", 40).id
    page = open_page(message=first)
    bar = page.locator("actor-progress")
    start_worker()
    until(page, "told.length === 1")
    assert bar.get_attribute("status") == "failed"
    page.evaluate(f"document.querySelector('actor-progress').setAttribute('message', '{second}')")
    assert bar.get_attribute("status") is None
    until(page, "told.at(-1)[0] === 'settled' && told.length > 2")
    assert bar.get_attribute("status") == "completed"


def test_a_bar_whose_client_is_closed_says_so_or_takes_a_new_one_where_it_is_the_page_s(open_page):
    message = Parrot.get_or_create("x").send("say", "x").id
    page = open_page()
    page.evaluate("client.close(); sharedClient().close()")
    insert = (
        "window.bar = document.createElement('actor-progress'); bar.setAttribute('actor', 'parrot');"
        f"bar.setAttribute('key', 'x'); bar.setAttribute('message', '{message}'); bar.client = {{}};"
        "document.documentElement.append(bar)"
    )
    page.evaluate(insert.format("client") + "; 0")
    assert page.evaluate("[told[0][0], told[0][1].code]") == ["lost", "client.closed"]
    page.evaluate(insert.format("undefined") + "; 0")
    until(page, "sharedClient().status === 'connected'")
    assert page.evaluate("told.length") == 1


def test_a_body_that_is_no_json_is_the_caller_s_error_and_holds_up_nothing(open_page):
    page = open_page()
    assert page.evaluate("parrot.send('say', 7n).catch((error) => error.name)") == "TypeError"
    assert page.evaluate("parrot.send('say', 'x').then(({status}) => status)") == "queued"
    assert Message.objects.count() == 1
