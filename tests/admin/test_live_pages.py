"""Live pages in a real Chromium, with the real socket and a real worker, under a strict policy."""

import json

import pytest

from tests.consumers.actors import Parrot
from tests.consumers.way import Way
from tests.fixtures.backends import only_sqlite
from tests.fixtures.chromium import open_tab
from tests.fixtures.workers import PATIENCE, eventually

pytestmark = [only_sqlite, pytest.mark.usefixtures("these_actors")]

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws://{address}"
PAGE = """<!doctype html><html lang="en" data-theme="light"><title>live</title>
<link rel="stylesheet" href="/static/admin/css/base.css"><link rel="stylesheet" href="/static/admin/css/dark_mode.css">
<link rel="stylesheet" href="/static/actorqueues/admin/inspector.css">
<script type="module" src="/static/actorqueues/admin/inspector.js"></script>
<body class="aq"><div class="aq-live" data-sections="/sections" data-socket="/ws/actorqueues/admin/?watch={watch}"
 data-words-live="Live" data-words-polling="Polling" data-words-paused="Paused" data-words-failed="Not reachable"
 data-words-ended="Ended"><span class="aq-live-status" role="status"></span>
<button type="button" class="button aq-live-pause" aria-pressed="false" hidden>Pause updates</button></div>
{sections}<button id="outside">outside</button>"""
WORDS = {"ms": "%s ms", "s": "%s s", "min": "%s min", "h": "%s h"}
CHART = {"x": [60 * n for n in range(20)], "durations": WORDS, "series": [
    {"label": "settled", "role": "settled", "values": [n % 7 for n in range(20)]},
    {"label": "failed", "role": "failed", "values": [None, 1, None, *range(17)]},
]}  # fmt: skip


class Server:
    """What the page's own address answers; the rest comes from the real server."""

    def __init__(self, sections):
        self.sections = sections
        self.status = 200
        self.asked = 0
        self.watch = "overview"

    def page(self, address):
        html = "".join(
            f'<section id="{name}" data-section="{name}">{text}</section>'
            for name, text in self.sections.items()
        )
        return {
            "body": PAGE.format(sections=html, watch=self.watch),
            "content_type": "text/html",
            "headers": {"Content-Security-Policy": POLICY.format(address=address)},
        }

    def answer(self):
        self.asked += 1
        if self.status != 200:
            return {"status": self.status, "headers": {"Location": "/login"}, "body": ""}
        return {"body": json.dumps({"sections": self.sections}), "content_type": "application/json"}


@pytest.fixture
def way(admin):
    way = Way(admin)
    yield way
    way.close()


@pytest.fixture
def boss(log_in):
    return log_in("boss", is_staff=True, is_superuser=True)[1]


@pytest.fixture
def parrot(backend):
    return Parrot.get_or_create("x")


@pytest.fixture
def server(parrot):
    server = Server({"mailbox": "<p>empty</p>", "state": "<p>nothing</p>"})
    server.watch = f"actor:{parrot._target.actor_id.hex}"
    return server


@pytest.fixture
def open_page(chromium, way, server):
    """``open_page(session)``; a page that breaks its policy, or raises, fails the test."""
    contexts, problems = [], []

    def open_page(session=None):
        page, context = open_tab(chromium, problems, way.address, session)
        contexts.append(context)
        page.route("**/page", lambda route: route.fulfill(**server.page(way.address)))
        page.route("**/sections", lambda route: route.fulfill(**server.answer()))
        page.goto(f"http://{way.address}/page")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


def until(page, expression, timeout=PATIENCE):
    """Playwright's own way evaluates text in the page, which the page's policy forbids."""
    eventually(lambda: page.evaluate(expression), timeout)


def until_says(page, words):
    until(page, f"document.querySelector('.aq-live-status').textContent === '{words}'", 20)


def until_shows(page, section, text):
    until(page, f"document.getElementById('{section}').textContent.includes('{text}')")


def count_drawn(page):
    page.evaluate(
        "window.drawn = []; document.addEventListener('aq:drawn', (e) => drawn.push(e.target.id)); 0"
    )


def hide(page, state):
    page.evaluate(
        f"Object.defineProperty(document, 'visibilityState', {{value: '{state}', configurable: true}});"
        "document.dispatchEvent(new Event('visibilitychange')); 0"
    )


def test_what_changed_is_drawn_and_nothing_else(open_page, server, parrot, boss):
    page = open_page(boss)
    until_says(page, "Live")
    count_drawn(page)
    page.evaluate("window.untouched = document.querySelector('#state p'); 0")
    server.sections["mailbox"] = "<p>one message</p>"
    parrot.send("say", "hello")
    until_shows(page, "mailbox", "one message")
    assert page.evaluate("drawn") == ["mailbox"]
    assert page.evaluate("untouched.isConnected")


def test_what_breaks_the_policy_would_be_heard(chromium, way, server):
    """Or no test here could fail for it."""
    problems = []
    page, context = open_tab(chromium, problems, way.address)
    page.route("**/page", lambda route: route.fulfill(**server.page(way.address)))
    page.goto(f"http://{way.address}/page")
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    assert "style-src" in " ".join(eventually(lambda: page.evaluate("0") or problems))
    context.close()


def test_a_form_s_token_is_no_change(open_page, server, parrot, boss):
    form = '<form><input type="hidden" name="csrfmiddlewaretoken" value="{}"></form>'
    server.sections["state"] = form.format("one")
    page = open_page(boss)
    until_says(page, "Live")
    count_drawn(page)
    server.sections |= {"state": form.format("another"), "mailbox": "<p>one message</p>"}
    parrot.send("say", "hello")
    until_shows(page, "mailbox", "one message")
    assert page.evaluate("drawn") == ["mailbox"]


def test_a_page_whose_socket_is_refused_polls(open_page, server):
    page = open_page()
    until_says(page, "Polling")
    server.sections["mailbox"] = "<p>one message</p>"
    until_shows(page, "mailbox", "one message")
    asked = server.asked
    assert eventually(lambda: page.evaluate("1") and server.asked > asked)  # requests are answered meanwhile


def test_a_socket_that_is_lost_comes_again(open_page, server, parrot, way, boss):
    page = open_page(boss)
    until_says(page, "Live")
    with way.closed():
        until_says(page, "Polling")
        server.sections["mailbox"] = "<p>meanwhile</p>"
        until_shows(page, "mailbox", "meanwhile")
    until_says(page, "Live")
    server.sections["mailbox"] = "<p>afterwards</p>"
    parrot.send("say", "hello")
    until_shows(page, "mailbox", "afterwards")
    assert page.locator("#mailbox").inner_text() == "afterwards"


def test_a_server_that_fails_is_asked_again(open_page, server, parrot, boss):
    page = open_page(boss)
    until_says(page, "Live")
    server.status = 500
    parrot.send("say", "hello")
    until_says(page, "Not reachable")
    server.status, server.sections["mailbox"] = 200, "<p>one message</p>"
    until_says(page, "Live")
    until_shows(page, "mailbox", "one message")
    assert page.inner_text(".aq-live-status") == "Live"


@pytest.mark.parametrize("status", [302, 403])
def test_who_may_see_nothing_any_more_is_told_and_asks_no_more(open_page, server, parrot, boss, status):
    page = open_page(boss)
    until_says(page, "Live")
    server.status = status
    parrot.send("say", "hello")
    until_says(page, "Ended")
    asked = server.asked
    server.status = 200
    parrot.send("say", "again")
    page.wait_for_timeout(3500)
    assert server.asked == asked
    assert page.locator(".aq-live-pause").is_hidden()
    assert page.evaluate("document.querySelector('.aq-live-status').textContent") == "Ended"


def test_paused_updates_wait(open_page, server, parrot, boss):
    page = open_page(boss)
    until_says(page, "Live")
    button = page.locator(".aq-live-pause")
    button.click()
    until_says(page, "Paused")
    assert button.get_attribute("aria-pressed") == "true"
    asked = server.asked
    server.sections["mailbox"] = "<p>one message</p>"
    parrot.send("say", "hello")
    page.wait_for_timeout(3500)
    assert server.asked == asked
    button.click()
    until_shows(page, "mailbox", "one message")
    until_says(page, "Live")
    assert button.get_attribute("aria-pressed") == "false"


def test_a_hidden_page_asks_for_nothing_and_catches_up(open_page, server, parrot, boss):
    page = open_page(boss)
    until_says(page, "Live")
    hide(page, "hidden")
    asked = server.asked
    server.sections["mailbox"] = "<p>one message</p>"
    parrot.send("say", "hello")
    page.wait_for_timeout(3500)
    assert server.asked == asked
    hide(page, "visible")
    until_shows(page, "mailbox", "one message")


TREE = """<p>{0}</p><details data-keep="a"><summary>a</summary>x</details>
<details open><summary>b</summary>y</details><details><summary>c</summary>z</details>"""


def test_what_a_person_opened_or_closed_stays_so(open_page, server, parrot, boss):
    server.sections["state"] = TREE.format("before")
    page = open_page(boss)
    until_says(page, "Live")
    for name in "ab":
        page.locator("summary", has_text=name).click()
    server.sections["state"] = TREE.format("after")
    parrot.send("say", "hello")
    until_shows(page, "state", "after")
    are_open = "[...document.querySelectorAll('#state details')].map((one) => one.open)"
    assert page.evaluate(are_open) == [True, False, False]
    focused = "document.activeElement.localName + document.activeElement.textContent"
    assert page.evaluate(focused) == "summaryb"


BUTTONS = '<p>{}</p><button id="go">go</button> <a href="/there">there</a>'


@pytest.mark.parametrize("selector", ["#go", "a"])
def test_the_focus_stays_where_it_is(open_page, server, parrot, boss, selector):
    server.sections["state"] = BUTTONS.format("before")
    page = open_page(boss)
    until_says(page, "Live")
    page.focus(f"#state {selector}")
    server.sections["state"] = BUTTONS.format("after")
    parrot.send("say", "hello")
    until_shows(page, "state", "after")
    assert page.evaluate(f"document.activeElement === document.querySelector('#state {selector}')")


def test_what_would_lose_the_focus_waits_until_it_is_elsewhere(open_page, server, parrot, boss):
    server.sections["state"] = BUTTONS.format("before")
    page = open_page(boss)
    until_says(page, "Live")
    page.focus("#go")
    server.sections |= {"state": "<p>after</p>", "mailbox": "<p>drawn</p>"}
    parrot.send("say", "hello")
    until_shows(page, "mailbox", "drawn")
    assert "before" in page.locator("#state").inner_text()
    assert page.evaluate("document.activeElement.id") == "go"
    page.focus("#outside")
    until_shows(page, "state", "after")


def test_a_selected_text_stays_selected(open_page, server, parrot, boss):
    page = open_page(boss)
    until_says(page, "Live")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#state p'))")
    server.sections |= {"state": "<p>after</p>", "mailbox": "<p>drawn</p>"}
    parrot.send("say", "hello")
    until_shows(page, "mailbox", "drawn")
    assert page.evaluate("String(getSelection())") == "nothing"
    page.evaluate("getSelection().removeAllRanges()")
    until_shows(page, "state", "after")


def chart(title="Messages", kind="counts"):
    data = json.dumps(CHART).replace('"', "&quot;")
    return (
        f'<figure class="aq-chart" data-kind="{kind}" data-chart="{data}" data-summary="{title}: many">'
        f"<figcaption>{title}</figcaption></figure>"
    )


PICTURE = "document.querySelector('#state canvas')?.toDataURL()"


def test_charts_are_drawn_and_drawn_again(open_page, server, parrot, boss):
    server.sections["state"] = chart() + chart(kind="latency")
    page = open_page(boss)
    until(page, "document.querySelectorAll('#state canvas').length === 2")
    until(page, "document.querySelector('#state canvas').width > 100")
    box = page.locator("#state .aq-plot >> nth=0")
    assert box.get_attribute("role") == "img"
    assert box.get_attribute("aria-label") == "Messages: many"
    until_says(page, "Live")
    page.evaluate("window.old = document.querySelector('#state canvas'); 0")
    server.sections["state"] = chart("Others")
    parrot.send("say", "hello")
    until_shows(page, "state", "Others")
    until(page, "document.querySelectorAll('#state canvas').length === 1")
    assert not page.evaluate("old.isConnected")
    assert page.evaluate("document.querySelectorAll('#state .aq-series').length") == 2
    charts = "import('/static/actorqueues/admin/charts.js')"
    assert page.evaluate(f"{charts}.then((charts) => charts.drawn.size)") == 1  # the old ones are let go


def test_charts_follow_the_theme_and_the_width(open_page, server, boss):
    server.sections["state"] = chart()
    page = open_page(boss)
    until(page, f"{PICTURE}?.length > 1000")
    light, width = page.evaluate(PICTURE), page.evaluate("document.querySelector('#state canvas').width")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    eventually(lambda: page.evaluate(PICTURE) != light)
    page.set_viewport_size({"width": 500, "height": 800})
    until(page, f"document.querySelector('#state canvas').width < {width}")
    until(page, "document.documentElement.scrollWidth <= 500")
    assert page.evaluate("document.querySelector('#state canvas').width") < width


def test_a_chart_tells_its_values(open_page, server, boss):
    server.sections["state"] = chart(kind="latency")
    page = open_page(boss)
    until(page, "document.querySelector('#state canvas')?.width > 100")
    page.locator("#state .u-over").hover()
    value = "document.querySelector('#state .aq-series-value').textContent"
    until(page, f"{value}.endsWith(' s')")
    assert float(page.evaluate(value).removesuffix(" s").replace(",", "")) > 0
