"""A person in front of the inspector: a real Chromium at a real server, under the server's policy."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from tests.consumers.chromium import chromium as chromium
from tests.fixtures.workers import PATIENCE, eventually

PICTURES = Path(os.environ.get("AQ_PICTURES") or Path(__file__).resolve().parents[2] / "build" / "pictures")
VIOLATIONS = "window.violations = []; document.addEventListener('securitypolicyviolation', (event) =>"
VIOLATIONS += (
    " console.error('Content Security Policy: ' + event.violatedDirective + ' ' + event.blockedURI))"
)


class Person:
    """What they do and see. ``complaints``: errors of the page, and violations of its policy."""

    def __init__(self, browser, address, **context):
        self.address, self.complaints = f"http://{address}", []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.add_init_script(VIOLATIONS)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.hear)

    def hear(self, said):
        if said.type == "error" and "favicon" not in said.location.get("url", ""):
            self.complaints.append(f"{said.text} ({said.location.get('url')})")

    def log_in(self, name="boss", password="secret"):
        User.objects.create_superuser(name, password=password)
        self.go("/admin/")
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", password)
        self.page.press("#id_password", "Enter")
        self.page.wait_for_selector("#logout-form", state="attached")

    def go(self, path):
        self.page.goto(self.address + path)

    def text(self):
        """Of the page, whatever its capitals are made of; empty while it is on the way to another one."""
        with suppress(Exception):
            return " ".join(self.page.evaluate("document.body.textContent").split())
        return ""

    def sees(self, words):
        eventually(lambda: words.lower() in self.text().lower(), timeout=3 * PATIENCE)

    def misses(self, words):
        eventually(lambda: (text := self.text()) and words.lower() not in text.lower(), timeout=3 * PATIENCE)

    def press(self, name):
        """A button or link, by its name."""
        self.page.click(
            f"#content :is(button, a, input[type=submit]):is([value='{name}'], :text-is('{name}'))"
        )

    def confirm(self):
        self.page.click(".aq-confirm input[type=submit]")

    def picture(self, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)

    def close(self):
        self.context.close()


@pytest.fixture
def person(chromium, start_admin):
    """Somebody who has logged in as a superuser."""
    somebody = Person(chromium, start_admin())
    somebody.log_in()
    yield somebody
    somebody.close()
    assert not somebody.complaints
