"""Every block of the documentation is run: beside a real worker, or (where the page is about it) by the test's own."""

import threading
from contextlib import contextmanager, nullcontext

import pytest
from django.db import transaction

from actorqueues import Worker
from tests.docs.pages import PROJECT, page_module, pages, snippets

EVERY_PAGE = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
INLINE_PAGES = {"testing.md"}


@EVERY_PAGE
def test_every_snippet_compiles(page):
    for snippet in snippets(page):
        snippet.compiled()


@EVERY_PAGE
def test_snippets_run(page, backend, request, monkeypatch):
    monkeypatch.setattr(transaction, "DEFAULT_DB_ALIAS", backend)  # readers have one database
    inline = page.name in INLINE_PAGES
    if inline:
        request.getfixturevalue("actors")
    with page_module(page) as module:
        for snippet in snippets(page):
            if snippet.not_run is None:
                with nullcontext() if inline else running_worker():
                    snippet.run(vars(module))


@contextmanager
def running_worker():
    """A worker for one block: it knows the actors that the blocks before it have defined."""
    worker = Worker()
    thread = threading.Thread(target=worker.run, kwargs={"handle_signals": False})
    thread.start()
    try:
        assert worker.ready.wait(10)
        yield
    finally:
        worker.stop()
        thread.join(30)
