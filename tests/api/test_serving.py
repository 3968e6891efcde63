"""The same view under both kinds of servers, without a detour in either."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import AsyncToSync, async_to_sync, iscoroutinefunction
from django.test import AsyncClient, Client, RequestFactory
from django.urls import clear_url_caches, path, resolve
from rest_framework.renderers import JSONRenderer

from actorqueues.api.webhooks import QueueView
from actorqueues.web.either import serving
from tests.api import webhook_urls
from tests.api.conftest import ROOT
from tests.playground.actors import Tally

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


def in_a_thread(function):
    """What it gives in a thread that has served nothing yet."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function).result()


def test_a_plain_call_is_answered_whatever_the_thread_served_before(backend):
    """As tests call views, and what wraps them without awaiting."""

    def call():
        request = RequestFactory().post("/", {"body": {}}, content_type="application/json")
        answer = view(request, type="tally", key="main", queue="increment")
        return answer.status_code

    view = resolve(PATH).func
    assert in_a_thread(call) == 202
    Client().get(f"{ROOT}/")
    assert call() == 202


@pytest.mark.parametrize("client", ["plain", "async", "both"])
def test_a_wrapper_that_does_not_await_gets_its_answer_from_every_server(
    backend, settings, monkeypatch, client
):
    def stamped(request, *args, **kwargs):
        answer = view(request, *args, **kwargs)
        answer["X-Stamp"] = "seen"
        return answer

    view = QueueView.as_view(actor=Tally, queue="increment", key="main")
    settings.ROOT_URLCONF = webhook_urls.__name__
    monkeypatch.setattr(webhook_urls, "urlpatterns", [path("hook/", stamped)])
    clear_url_caches()
    answers = []
    if client != "async":
        answers.append(Client().post("/hook/", {}, content_type="application/json"))
    if client != "plain":
        answers.append(asyncio.run(AsyncClient().post("/hook/", {}, content_type="application/json")))
    assert [(one.status_code, one["X-Stamp"]) for one in answers] == [(202, "seen")] * len(answers)
    clear_url_caches()


def test_a_view_that_was_taken_for_a_coroutine_function_gives_what_can_be_awaited(backend):
    """As the first request under WSGI does, which imports the URLs."""

    def call():
        request = RequestFactory().post("/", {"body": {}}, content_type="application/json")
        return async_to_sync(resolve(PATH).func)(
            request, type="tally", key="main", queue="increment"
        ).status_code

    assert in_a_thread(call) == 202


def test_what_a_thread_has_served_is_forgotten(backend):
    def hear():
        Client().get(f"{ROOT}/")
        return iscoroutinefunction(resolve(PATH).func)

    assert in_a_thread(hear)


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
