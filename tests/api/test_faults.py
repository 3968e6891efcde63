"""What clients do wrong, sent to real servers: each is told what it was, and nothing is stored."""

import httpx
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from actorqueues.models import Message, Wake
from actorqueues.web.bodies import largest_body
from tests.api.test_servers import SERVERS, Server
from tests.fixtures.backends import only_sqlite

QUEUE = "tally/main/queue/increment/"
GOOD = b'{"body": {"amount": 1}}'
TOKEN = "t" * 32
FAULTS = [
    ("malformed JSON", QUEUE, b'{"body": ', 400, "request.parse_error"),
    ("a bare body", QUEUE, b'{"amount": 1}', 400, "request.invalid"),
    ("an option of the wrong type", QUEUE, b'{"body": {}, "wait": "true"}', 400, "request.invalid"),
    ("a body of the wrong type", QUEUE, b'{"body": {"amount": "many"}}', 400, "queue.message_invalid"),
    ("a huge body", QUEUE, b"x" * (largest_body() + 1), 413, "request.too_large"),
    ("an unknown actor", "nobody/main/queue/increment/", GOOD, 404, "actor.unknown_type"),
    ("an unknown queue", "tally/main/queue/nothing/", GOOD, 404, "queue.unknown"),
]
pytestmark = [only_sqlite, pytest.mark.parametrize("name", list(SERVERS))]


@pytest.fixture
def server(backend, worker_process, name):
    return Server(worker_process, name)


@pytest.fixture
def browser(server):
    """Logged in as staff, on a page of the server's own."""
    client = Client()
    client.force_login(User.objects.create_user("ann", is_staff=True))
    cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": TOKEN}
    with httpx.Client(base_url=f"{server.address}/api/actors/", cookies=cookies, timeout=30) as browser:
        browser.headers.update({"X-CSRFToken": TOKEN, "Origin": server.address})
        yield browser


def told(answer):
    error = answer.json()
    assert set(error) == {"group", "code", "message", "metadata"}
    assert error["message"]
    return answer.status_code, f"{error['group']}.{error['code']}"


def test_what_is_wrong_with_a_request_is_told(server):
    for what, place, content, *expected in FAULTS:
        answer = httpx.post(
            f"{server.address}/api/actors/{place}",
            content=content,
            headers={"Content-Type": "application/json"},
            timeout=30,
        )
        assert told(answer) == tuple(expected), what
    assert not Message.objects.exists()
    assert not Wake.objects.exists()


def test_a_page_of_another_origin_may_not_use_a_session(browser):
    foreign = {"Origin": "https://evil.example"}
    answer = browser.post(QUEUE, json={"body": {"amount": 1}}, headers=foreign)
    assert told(answer) == (403, "auth.forbidden")
    assert "Origin" in answer.json()["message"]
    assert not Message.objects.exists()
    assert browser.post(QUEUE, json={"body": {"amount": 1}}).status_code == 202


def test_an_expired_session_is_nobody_s(browser):
    assert browser.get("tally/").status_code == 200
    Session.objects.update(expire_date="2000-01-01T00:00:00Z")
    assert told(browser.get("tally/")) == (403, "auth.forbidden")
