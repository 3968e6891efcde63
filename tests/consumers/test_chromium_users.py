"""The browser client where a new connection is another user's than the one before."""

import pytest
from django.contrib.sessions.models import Session

from actorqueues.models import Message
from tests.consumers.chromium_pages import listen, until
from tests.consumers.chromium_pages import open_page as open_page
from tests.consumers.chromium_pages import problems as problems
from tests.consumers.chromium_pages import way as way
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import eventually

pytestmark = only_sqlite

WAITING = (
    "window.code = parrot.send('say', 'x', {wait: true, timeout: 60000})"
    ".then(({status}) => status, (error) => [error.code, error.metadata.sent ?? null]); 0"
)


def change_cookie(page, way, session):
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": f"http://{way.address}"}])


@pytest.mark.parametrize("how", ["nobody", "another"])
def test_a_session_that_ended_while_the_connection_was_lost_closes_the_client(open_page, way, log_in, how):
    """What waits would be sent again as somebody else's: under a key that is not theirs, so doubled."""
    _, session = log_in("anna")
    _, another = log_in("berta")
    page = open_page(session)
    assert listen(page, "said")["number"] == 0
    page.evaluate(WAITING)
    eventually(lambda: Message.objects.count() == 1)
    with way.closed():
        until(page, "client.status !== 'connected'")
        if how == "nobody":
            Session.objects.filter(pk=session).delete()
        else:
            change_cookie(page, way, another)
    until(page, "client.status === 'closed'")
    assert page.evaluate("code") == ["auth.session_ended", None]
    assert page.evaluate("refusals") == ["auth.session_ended"]
    assert Message.objects.count() == 1


def test_who_logs_in_while_the_connection_is_lost_goes_on_and_nothing_is_doubled(open_page, way, log_in):
    _, session = log_in("anna")
    page = open_page()
    assert listen(page, "said")["number"] == 0
    page.evaluate(WAITING)
    eventually(lambda: Message.objects.count() == 1)
    with way.closed():
        until(page, "client.status !== 'connected'")
        page.evaluate("window.later = parrot.send('say', 'later').then(({status}) => status); 0")
        change_cookie(page, way, session)
    assert page.evaluate("later") == "queued"
    assert page.evaluate("code") == ["client.connection_lost", True]
    assert Message.objects.count() == 2
    assert page.evaluate("refusals") == []


def test_servers_that_are_started_anew_lose_and_double_nothing(start_worker, start_server, open_page, way):
    start_worker()
    page = open_page()
    listen(page, "said")
    for number in range(3):
        page.evaluate(f"parrot.send('say', 'before {number}', {{wait: true}})")
        with way.closed():
            page.evaluate(f"window.later = parrot.send('say', 'after {number}', {{wait: true}}); 0")
            way.server = start_server(["uvicorn", "daphne"][number % 2]).split(":")
        assert page.evaluate("later.then(({status}) => status)") == "completed"
    until(page, "heard.length === 6")
    texts = [text for number in range(3) for text in (f"before {number}", f"after {number}")]
    assert page.evaluate("heard") == [[number, text] for number, text in enumerate(texts, 1)]
