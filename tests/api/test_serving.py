"""The same view under both kinds of servers, without a detour in either."""

import asyncio
import threading

import pytest
from asgiref.sync import AsyncToSync, iscoroutinefunction
from django.test import AsyncClient
from django.urls import resolve
from rest_framework.renderers import JSONRenderer

from actorqueues.web.either import serving
from tests.api.conftest import ROOT

PATH = f"{ROOT}/tally/main/queue/increment/"


@pytest.fixture
def rendered_in(monkeypatch):
    """The threads that render JSON."""
    threads, render = [], JSONRenderer.render

    def watched(self, *arguments, **options):
        threads.append(threading.get_ident())
        return render(self, *arguments, **options)

    monkeypatch.setattr(JSONRenderer, "render", watched)
    return threads


def test_under_wsgi_no_event_loop_is_made_for_a_request(api, monkeypatch):
    api.get("")  # the URLs are imported by the first request: until then nobody knows who asks

    def refuse(*arguments, **options):
        raise AssertionError("an event loop for a request under WSGI")

    monkeypatch.setattr(AsyncToSync, "__call__", refuse)
    assert api.post("tally/main/queue/increment/", {"body": {}}).status_code == 202
    answer = api.post("tally/main/queue/increment/", {"body": {}, "wait": True, "timeout": 10})
    assert (answer.status_code, answer.json()["status"]) == (200, "timedOut")
    assert api.post("tally/main/queue/increment/", {"amount": 1}).status_code == 400


def test_under_asgi_json_is_rendered_on_the_event_loop(backend, rendered_in):
    async def ask():
        answer = await AsyncClient().post(PATH, {"body": {}}, content_type="application/json")
        return answer.status_code, threading.get_ident()

    status, here = asyncio.run(ask())
    assert status == 202
    assert rendered_in == [here]


def test_who_asks_what_a_view_is_hears_that_it_is_a_coroutine_function_unless_wsgi_asks(backend):
    view = resolve(PATH).func

    def hear():
        serving.plainly = True
        heard.append(iscoroutinefunction(view))

    heard = []
    for target in (lambda: heard.append(iscoroutinefunction(view)), hear):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    assert heard == [True, False]

    async def on_a_loop():
        return iscoroutinefunction(view)

    assert asyncio.run(on_a_loop())
