"""Playwright's browser, usable from a test's own thread."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import sync_playwright

from tests.fixtures.workers import PATIENCE

QUIET = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # The pages come from Playwright, from no network at all: they could not reach this machine without being asked.
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
]  # fmt: skip


class Chromium:
    """A context manager that gives the browser.

    Playwright's synchronous form keeps an event loop running in its thread: synchronous sends would be refused
    there, and ``asyncio.run`` too. So it has a thread of its own, and whatever it gives is called on that.
    """

    def __init__(self, path):
        self.path = path
        self.thread = ThreadPoolExecutor(1)

    def __enter__(self):
        self.playwright = self.thread.submit(lambda: sync_playwright().start()).result()
        browser = self.thread.submit(self.playwright.chromium.launch, executable_path=self.path, args=QUIET)
        self.browser = browser.result()
        return OnThread(self.browser, self.thread)

    def __exit__(self, *_):
        self.thread.submit(self.browser.close).result()
        self.thread.submit(self.playwright.stop).result()
        self.thread.shutdown()


class OnThread:
    """An object of Playwright's. Its methods run on the thread; what they return is wrapped as well."""

    def __init__(self, wrapped, thread):
        self._wrapped, self._thread = wrapped, thread

    def __getattr__(self, name):
        method = getattr(self._wrapped, name)

        def call(*args, **kwargs):
            result = self._thread.submit(method, *args, **kwargs).result()
            return (
                OnThread(result, self._thread) if type(result).__module__.startswith("playwright") else result
            )

        return call


@pytest.fixture(scope="module")
def chromium():
    path = os.environ.get("AQ_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium here")
    with Chromium(path) as browser:
        yield browser


def open_tab(chromium, problems, address, session=None):
    """An empty page, and its own context. ``problems`` gets what it raises, and what breaks its policy."""
    context = chromium.new_context()
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "url": f"http://{address}"}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    return page, context
