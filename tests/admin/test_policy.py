"""The policy arrives, and what breaks it is heard: else a test without complaints would say nothing."""

import pytest

from tests.admin.browsing import HEARD
from tests.admin.pages import page
from tests.admin.policy import POLICY
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import eventually

pytestmark = [only_sqlite, pytest.mark.usefixtures("these_actors")]

ELSEWHERE = "http://127.0.0.1:9/x.png"
MADE = "document.body.append(Object.assign(document.createElement('{}'), {{{}}}))"
BREAKING = {
    "script-src-elem": MADE.format("script", "textContent: '1'"),
    "style-src-elem": MADE.format("style", "textContent: 'p {}'"),
    "style-src-attr": "document.body.setAttribute('style', 'color: red')",
    "img-src": MADE.format("img", f"src: '{ELSEWHERE}'"),
    "connect-src": f"fetch('{ELSEWHERE}').catch(() => 0); 0",
}


def test_pages_come_with_the_policy(person):
    for address in ("/admin/login/", page("overview"), page("message"), page("message", "add")):
        assert person.go(address).header_value("content-security-policy") == POLICY


@pytest.mark.parametrize("directive", BREAKING)
def test_what_breaks_it_is_heard(person, directive):
    person.go(page("message"))
    person.page.evaluate(f"{BREAKING[directive]}; 0")
    said = f"Content Security Policy: {directive}"
    assert eventually(lambda: person.page.evaluate(HEARD) or any(said in one for one in person.complaints))
    person.complaints.clear()


def test_a_page_that_breaks_it_as_it_is_read_is_heard(person):
    html = "<!doctype html><title>broken</title><script>window.ran = true</script>"
    headers = {"Content-Security-Policy": POLICY}
    person.page.route(
        "**/broken/", lambda route: route.fulfill(body=html, content_type="text/html", headers=headers)
    )
    person.go("/broken/")
    said = "Content Security Policy: script-src-elem"
    eventually(lambda: person.page.evaluate(HEARD) or any(said in one for one in person.complaints))
    assert person.page.evaluate("window.ran") is None
    person.complaints.clear()
