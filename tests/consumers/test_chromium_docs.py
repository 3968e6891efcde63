"""The JavaScript of the documentation in a real Chromium. tests/docs looks at the syntax of what is not run here."""

import re

from tests.consumers.actors import Counter, Import, Importer
from tests.consumers.chromium_pages import open_page as open_page
from tests.consumers.chromium_pages import problems as problems
from tests.consumers.chromium_pages import serve, until
from tests.consumers.chromium_pages import way as way
from tests.docs.pages import PROJECT
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import PATIENCE

pytestmark = only_sqlite

# What the blocks leave to the page.
OWN = """
window.heard = [];
window.show = (...values) => heard.push(values);
window.reload = window.loadStateAnew = () => heard.push(["anew"]);
"""
# The blocks do not wait for their listener to hear; what is told before that is not for it.
BEGUN = "counter.on('changed', () => {}, {subscribed: () => { window.begun = true; }});"
POLICY = "default-src 'self' 'unsafe-inline' ws:"


def blocks(page, language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", (PROJECT / page).read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no {language}"
    return found


def run(page, way, html):
    """The page ``html``; of a script alone the last line says that it has come to its end."""
    serve(page, f"<!doctype html><title>docs</title><script>{OWN}</script>{html}", policy=POLICY)
    page.goto(f"http://{way.address}/page")


def module(script):
    return f'<script type="module">{script}\nwindow.ready = true;</script>'


def test_the_first_page_of_the_browser_guide_counts_and_shows(start_worker, open_page, way):
    start_worker()
    page = open_page()
    first, _ = blocks("docs/how-to/browser.md", "html")
    [script] = re.findall(r'<script type="module">(.*)</script>', first, re.DOTALL)
    names = "{status, response, total, stop: typeof stop, client: client.status}"
    run(page, way, module(f"{script}\nwindow.names = {names};{BEGUN}"))
    until(page, "window.ready && window.begun")
    names = page.evaluate("names")
    assert names["status"] == "completed"
    assert names["response"] == {"value": 5}
    assert names["total"] in (5, 6)  # the second one is stored, not awaited
    assert (names["stop"], names["client"]) == ("function", "connected")
    counted = Counter.get_or_create("main").ask("increment", {"amount": 10}, timeout=PATIENCE)
    assert counted == {"value": 16}
    until(page, "heard.some(([value, number]) => value === 16 && number === 3)")


def test_the_progress_bar_of_the_browser_guide_shows_progress(start_worker, open_page, way):
    start_worker()
    page = open_page()
    _, bar = blocks("docs/how-to/browser.md", "html")
    message = Importer.get_or_create("main").send("load", 10).id
    run(page, way, bar.replace("{{ message_id }}", str(message)))
    assert until(page, "document.querySelector('actor-progress').getAttribute('status') === 'completed'")


def test_the_readme_s_browser_client_counts_and_shows(start_worker, open_page, way):
    start_worker()
    page = open_page()
    [script] = blocks("README.md", "js")
    run(page, way, module(script + BEGUN))
    until(page, "window.ready && window.begun")
    Counter.get_or_create("main").ask("increment", {"amount": 1}, timeout=PATIENCE)
    assert until(page, "heard.some(([value]) => value === 6)")


def test_the_socket_of_the_websocket_guide_hears_and_goes_on(start_worker, open_page, way):
    start_worker()
    page = open_page()
    [script] = blocks("docs/how-to/websocket.md", "javascript")
    run(
        page,
        way,
        module(script.replace("wss://example.com", f"ws://{way.address}") + "window.last = () => last;"),
    )
    until(page, "window.last?.() !== undefined")
    Import.get_or_create("7").ask("load", 3, timeout=PATIENCE)
    until(page, "heard.length === 1")
    assert page.evaluate("heard") == [["loaded", 3]]
    assert page.evaluate("last().number") == 1
