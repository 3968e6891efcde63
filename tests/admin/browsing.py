"""A person in front of the inspector: a real Chromium at a real server, under the server's policy."""

import os
import platform
from contextlib import suppress
from pathlib import Path

import django
import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from actorqueues.conf import settings
from tests.fixtures.workers import PATIENCE, eventually

PICTURES = Path(os.environ.get("AQ_PICTURES") or Path(__file__).resolve().parents[2] / "build" / "pictures")
VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', (event) =>"
    " console.error('Content Security Policy: ' + event.violatedDirective + ' ' + event.blockedURI))"
)
HEARD = "new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))"  # what broke the policy until now
PASSWORD = "secret"


class Person:
    """What they do and see. ``complaints``: errors of the page, and violations of its policy.

    ``sockets``: each that was tried; ``told``: what came over them.
    """

    def __init__(self, browser, address, **context):
        self.address, self.complaints = f"http://{address}", []
        self.sockets, self.told = [], []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.add_init_script(VIOLATIONS)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.hear)
        self.page.on("websocket", self.listen)

    def hear(self, said):
        if said.type == "error" and "favicon" not in said.location.get("url", ""):
            self.complaints.append(f"{said.text} ({said.location.get('url')})")

    def listen(self, socket):
        self.sockets.append(socket.url)
        socket.on("framereceived", lambda frame: self.told.append(frame))

    def log_in(self, name="boss"):
        """As a superuser, with a session that is there already: the form is for ``test_keyboard.py``."""
        client = Client()
        client.force_login(User.objects.create_superuser(name, password=PASSWORD))
        session = client.cookies["sessionid"].value
        self.context.add_cookies([{"name": "sessionid", "value": session, "url": self.address}])

    def go(self, path):
        return self.page.goto(self.address + path)

    def text(self):
        """Of the page, whatever its capitals are made of; empty while it is on the way to another one."""
        with suppress(Exception):
            return " ".join(self.page.evaluate("document.body.textContent").split())
        return ""

    def sees(self, words):
        eventually(lambda: words.lower() in self.text().lower(), timeout=3 * PATIENCE)

    def press(self, name):
        """A button or link, by its name."""
        self.page.click(
            f"#content :is(button, a, input[type=submit]):is([value='{name}'], :text-is('{name}'))"
        )

    def confirm(self):
        self.page.click(".aq-confirm input[type=submit]")

    def mode(self):
        """Of the page's updates: live, polling, paused, failed, ended or over."""
        return self.page.evaluate("document.querySelector('.aq-live').dataset.mode")

    def bears(self, words):
        """There are complaints with these words, and they are expected."""
        borne = [one for one in self.complaints if words in one]
        assert borne, self.complaints
        self.complaints[:] = [one for one in self.complaints if one not in borne]

    def picture(self, name):
        """A test artefact: looked at by whoever changes how the inspector looks."""
        folder = PICTURES / environment()
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(folder / f"{name}.png"), full_page=True)

    def close(self):
        self.context.close()


def environment():
    python = ".".join(platform.python_version_tuple()[:2])
    version = ".".join(map(str, django.VERSION[:2]))
    return f"python{python}-django{version}-{connections[settings.DATABASE].vendor}"


@pytest.fixture
def meet(backend, chromium, start_admin, request):
    """``meet(locale="de-DE")``: somebody who has logged in as a superuser. One with complaints fails the test.

    ``address``: of another server than the one that tests share.
    """
    met = []

    def meet(address=None, **context):
        somebody = Person(chromium, address or request.getfixturevalue("admin"), **context)
        met.append(somebody)
        somebody.log_in()
        return somebody

    yield meet  # a server that a test has started ends after them
    for somebody in met:
        somebody.close()
    complaints = [one for somebody in met for one in somebody.complaints]
    assert not complaints, complaints


@pytest.fixture
def person(meet):
    return meet()
