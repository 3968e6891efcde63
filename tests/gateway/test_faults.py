"""The same on real servers: what clients of the gateway do wrong is told in their form, and nothing is stored."""

import json

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client

from actorqueues.models import Message, Wake
from tests.fixtures.backends import only_sqlite

GOOD = b'{"body": {"amount": 1}}'
HUGE = json.dumps({"body": "x" * 4_000_000}).encode()
TOKEN = "t" * 32
FAULTS = [
    ("malformed JSON", "rivet.gauge", "step", b'{"body": ', 400, "request.parse_error"),
    ("a bare body", "rivet.gauge", "step", b'{"amount": 1}', 400, "request.invalid"),
    ("an option of the wrong type", "rivet.gauge", "step", b'{"body": {}, "wait": 1}', 400, "request.invalid"),
    ("a body of the wrong type", "rivet.gauge", "step", b'{"body": {"amount": "x"}}', 400, "queue.message_invalid"),
    ("a huge body", "rivet.mirror", "anything", HUGE, 413, "request.too_large"),
    ("an unknown actor", "nobody", "step", GOOD, 404, "actor.unknown_type"),
    ("an unknown queue", "rivet.gauge", "nothing", GOOD, 404, "queue.unknown"),
]  # fmt: skip
pytestmark = [only_sqlite, pytest.mark.parametrize("kind", ["daphne", "uvicorn"])]


@pytest.fixture
def rivet(backend, start_server, kind):
    """``rivet("rivet.gauge", "step", b"…")`` sends in pieces, without a length, as the client does."""
    address = f"http://{start_server(kind)}"
    with httpx.Client(base_url=address, timeout=30) as client:

        def send(actor, queue, content, **headers):
            place = f"/rivet/gateway/{actor}/queue/{queue}?rvt-method=getOrCreate&rvt-key=a"
            return client.post(
                place, content=iter([content]), headers={"x-rivet-encoding": "json", **headers}
            )

        send.address = address
        yield send


@pytest.fixture
def session(backend):
    """The headers of a page of somebody who is logged in."""
    browser = Client()
    browser.force_login(get_user_model().objects.create(username="ada"))
    cookies = f"sessionid={browser.cookies['sessionid'].value}; csrftoken={TOKEN}"
    return {"Cookie": cookies, "X-CSRFToken": TOKEN}


def told(answer):
    error = answer.json()
    assert set(error) == {"group", "code", "message", "metadata"}
    assert error["message"]
    return answer.status_code, f"{error['group']}.{error['code']}"


def test_what_is_wrong_with_a_send_is_told(rivet):
    for what, actor, queue, content, *expected in FAULTS:
        assert told(rivet(actor, queue, content)) == tuple(expected), what
    assert not Message.objects.exists()
    assert not Wake.objects.exists()


def test_without_workers_a_message_is_taken_and_a_wait_times_out(rivet):
    assert rivet("rivet.gauge", "step", GOOD).json() == {"status": "completed"}
    answer = rivet("rivet.gauge", "step", b'{"body": {"amount": 1}, "wait": true, "timeout": 50}')
    assert (answer.status_code, answer.json()) == (200, {"status": "timedOut"})
    assert Message.objects.count() == 2


def test_a_page_of_another_origin_may_not_use_a_session(rivet, session):
    answer = rivet("rivet.gauge", "step", GOOD, **session, Origin="https://evil.example")
    assert told(answer) == (403, "auth.forbidden")
    assert not Message.objects.exists()
    assert rivet("rivet.gauge", "step", GOOD, **session, Origin=rivet.address).status_code == 200


def test_an_expired_session_is_nobody_s(rivet, session):
    key = str(get_user_model().objects.get().pk)
    place = f"/rivet/gateway/rivet.members/queue/notes?rvt-method=getOrCreate&rvt-key={key}"
    headers = {**session, "x-rivet-encoding": "json", "Origin": rivet.address}

    def send():
        return httpx.post(rivet.address + place, json={"body": "x"}, headers=headers, timeout=30)

    assert (answer := send()).status_code == 200, answer.text
    Session.objects.update(expire_date="2000-01-01T00:00:00Z")
    assert told(send()) == (401, "auth.not_authenticated")
    assert Message.objects.count() == 1
