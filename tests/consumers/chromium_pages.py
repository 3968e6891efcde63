"""Pages with the browser client, in a real Chromium."""

from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import find

from tests.consumers.way import Way
from tests.fixtures.chromium import open_tab
from tests.fixtures.workers import PATIENCE, eventually

# Of the page: whatever is not the module itself is a violation.
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self' ws:; style-src 'self'"
PAGE = """<!doctype html><title>actors</title><script type="module" src="/page.js"></script>
<actor-progress actor="{actor}" key='["x"]' message="{message}" label="Packing"></actor-progress>"""
SCRIPT = """
import { createClient, sharedClient } from "/static/actorqueues/client.js";
window.client = createClient();
window.createClient = createClient;
window.sharedClient = sharedClient;
window.parrot = client.parrot.getOrCreate(["x"]);
window.heard = [];
window.told = [];
window.refusals = [];
for (const name of ["progress", "settled", "lost"])
  document.addEventListener(name, (event) => told.push([name, event.detail]));

// What the browser's own class does, and a record of it.
window.opened = []; // times
window.codes = []; // of what was closed
window.sent = []; // types of frames
window.Recording = class extends WebSocket {
  constructor(...values) {
    super(...values);
    opened.push(performance.now());
    this.addEventListener("close", ({ code }) => codes.push(code));
  }
  send(text) {
    sent.push(JSON.parse(text).type);
    super.send(text);
  }
};
window.ready = true;
"""


@pytest.fixture
def way(server):
    way = Way(server)
    yield way
    way.close()


@pytest.fixture
def problems():
    """Errors of the pages, which a test takes away where it expects them."""
    return []


@pytest.fixture
def open_page(chromium, backend, problems, request):
    """``open_page(message=…)``: a page with the client, from the server's own address. It fails with errors."""
    contexts = []

    def open_page(session=None, message="", actor="parrot", address=None):
        address = address or request.getfixturevalue("way").address
        page, context = open_tab(chromium, problems, address, session)
        contexts.append(context)
        serve(page, PAGE.format(actor=actor, message=message))
        page.goto(f"http://{address}/page")
        until(page, "window.ready")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture
def quick_way(start_server):
    """``quick_way(WEBSOCKET_HEARTBEAT=0.2)``: the way to a server with these settings."""
    ways = []

    def quick_way(kind="daphne", **settings):
        ways.append(Way(start_server(kind, settings=settings)))
        return ways[-1]

    yield quick_way
    for way in ways:
        way.close()


def serve(page, html, script=SCRIPT, policy=POLICY):
    module, kind = Path(find("actorqueues/client.js")).read_text(), "text/javascript"
    page.route("**/page.js", giving(body=script, content_type=kind))
    page.route("**/static/actorqueues/client.js", giving(body=module, content_type=kind))
    headers = {"Content-Security-Policy": policy}
    page.route("**/page", giving(body=html, content_type="text/html", headers=headers))


def until(page, expression):
    """Its first true value. Playwright's own way evaluates text in the page, which the page's policy forbids."""
    return eventually(lambda: page.evaluate(expression))


def giving(**answer):
    return lambda route: route.fulfill(**answer)


def listen(page, name, handle="parrot", **options):
    """The standing it begins at, or ``{"refused": code}``. What it hears is ``[number, data]`` in ``heard``."""
    given = "".join(f", {option}: {value}" for option, value in options.items())
    refused = "(error) => { done({refused: error.code}); refusals.push(error.code); }"
    return page.evaluate(
        f"new Promise((done, fail) => {{ setTimeout(fail, {PATIENCE * 1000}); {handle}.on('{name}',"
        f" (data, event) => heard.push([event.number, data]), {{subscribed: done, error: {refused}{given}}}); }})"
    )
