"""The browser client's connection: how it is lost, and what becomes of requests."""

import time
from itertools import pairwise

import pytest

from actorqueues.models import Message
from tests.consumers.chromium_pages import listen, until
from tests.consumers.chromium_pages import open_page as open_page
from tests.consumers.chromium_pages import problems as problems
from tests.consumers.chromium_pages import quick_way as quick_way
from tests.consumers.chromium_pages import way as way
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import eventually

pytestmark = only_sqlite


def test_what_is_sent_while_the_connection_is_lost_is_stored_once(open_page, way):
    page = open_page()
    page.evaluate("parrot.send('say', 'first')")
    with way.closed():
        until(page, "client.status !== 'connected'")
        page.evaluate("window.later = parrot.send('say', 'second'); 0")
        taken = way.taken
        eventually(lambda: way.taken > taken + 1)  # it tries again and again
    assert page.evaluate("later.then((answer) => answer.status)") == "queued"
    assert Message.objects.count() == 2


def test_a_send_whose_answer_is_lost_is_not_stored_twice(open_page, way):
    page = open_page()
    page.evaluate("parrot.send('say', 'first')")
    page.evaluate("window.later = parrot.send('say', 'second', {wait: true, timeout: 60000}); 0")
    eventually(lambda: Message.objects.count() == 2)
    way.cut()
    until(page, "client.status !== 'connected'")
    until(page, "client.status === 'connected'")
    page.evaluate("parrot.send('say', 'third')")
    assert Message.objects.count() == 3


def test_an_action_under_way_when_the_connection_is_lost_is_not_run_again(open_page, way):
    page = open_page()
    page.evaluate("parrot.send('say', 'first')")
    page.evaluate("window.code = parrot.call('dawdle', 30).catch((error) => error.code); 0")
    page.evaluate("parrot.send('say', 'second')")  # by now it has left
    way.cut()
    assert page.evaluate("code") == "client.connection_lost"


def test_a_closed_client_refuses_what_comes_after(open_page):
    page = open_page()
    page.evaluate("window.waiting = parrot.send('say', 'x', {wait: true}).catch((error) => error.code); 0")
    page.evaluate("client.close()")
    assert page.evaluate("waiting") == "client.closed"
    assert page.evaluate("parrot.send('say', 'x').catch((error) => error.code)") == "client.closed"


def test_what_the_server_no_longer_knows_for_a_repeat_is_not_sent_again(open_page, quick_way):
    way = quick_way(REPLY_RETENTION=2)
    page = open_page(address=way.address)
    page.evaluate("parrot.send('say', 'first')")
    lost = "window.lost = parrot.send('say', 'second', {wait: true}).catch(({code, metadata}) => [code, metadata])"
    page.evaluate(f"{lost}; 0")
    eventually(lambda: Message.objects.count() == 2)
    with way.closed():
        until(page, "client.status !== 'connected'")
        page.evaluate(
            "window.later = parrot.send('say', 'third'); 0"
        )  # it has not left: its age is no matter
        time.sleep(2.1)  # longer than a key lasts
    assert page.evaluate("lost") == ["client.connection_lost", {"sent": True}]
    assert page.evaluate("later.then(({status}) => status)") == "queued"
    assert Message.objects.count() == 3


def test_a_timeout_holds_without_a_connection(open_page, way):
    page = open_page()
    page.evaluate("parrot.send('say', 'first')")
    code = ".catch(({code, metadata}) => [code, metadata])"
    page.evaluate(f"window.under_way = parrot.send('say', 'second', {{wait: true, timeout: 1500}}){code}; 0")
    eventually(lambda: Message.objects.count() == 2)
    with way.closed():
        until(page, "client.status !== 'connected'")
        unsent = page.evaluate(f"parrot.send('say', 'third', {{wait: true, timeout: 100}}){code}")
        assert unsent == ["client.connection_lost", {"sent": False}]
        assert page.evaluate("under_way") == ["client.connection_lost", {"sent": True}]
    assert page.evaluate("parrot.send('say', 'fourth').then(({status}) => status)") == "queued"
    assert Message.objects.count() == 3


def test_a_wait_that_goes_on_over_a_new_connection_has_what_is_left_of_its_time(open_page, way):
    page = open_page()
    begin = time.monotonic()
    page.evaluate("window.outcome = parrot.send('say', 'x', {wait: true, timeout: 4000}); 0")
    eventually(lambda: Message.objects.count() == 1)
    time.sleep(2)
    way.cut()
    outcome = page.evaluate("outcome")
    assert outcome["status"] == "timedOut"
    assert outcome["id"] == Message.objects.get().uid.hex
    assert 4 <= time.monotonic() - begin < 6  # not four from when it was sent again


def test_a_frame_above_the_server_s_limit_is_not_sent(open_page, way):
    page = open_page()
    page.evaluate(
        "client.close(); window.parrot = createClient({WebSocket: Recording}).parrot.getOrCreate('x'); 0"
    )
    send = "parrot.send('say', 'ß'.repeat(70000)).catch(({code, metadata}) => [code, metadata.limit])"
    for _ in range(2):  # before there is a connection, and on it
        assert page.evaluate(send) == ["queue.message_too_large", 131_072]
    assert page.evaluate("parrot.send('say', 'small').then(({status}) => status)") == "queued"
    assert page.evaluate("[opened.length, codes.length, sent.join()]") == [1, 0, "send"]


@pytest.mark.parametrize(
    ("kind", "limit", "size", "code"),
    [("daphne", 2_000, 3_000, 4413), ("uvicorn", 100_000_000, 17_000_000, 1009)],
    ids=["ours", "the web server's"],
)
def test_a_limit_that_nobody_told_ends_one_connection_and_one_request(
    open_page, quick_way, kind, limit, size, code
):
    page = open_page(address=quick_way(kind, WEBSOCKET_MAX_BYTES=limit).address)
    page.evaluate(
        """
        class Untold extends Recording {
          addEventListener(type, listener) {
            const hear = ({ data }) => listener({ data: data.replace(/"max_bytes":\\d+/, '"other":1') });
            super.addEventListener(type, type === "message" ? hear : listener);
          }
        }
        window.parrot = createClient({ WebSocket: Untold }).parrot.getOrCreate("x");
        """
    )
    page.evaluate("parrot.send('say', 'first')")
    answers = page.evaluate(
        f"Promise.all(['small', 'x'.repeat({size}), 'short'].map((text) =>"
        " parrot.send('say', text).then(({status}) => status, (error) => error.code)))"
    )
    assert answers == ["queued", "queue.message_too_large", "queued"]
    assert page.evaluate("[opened.length, codes]") == [2, [code]]
    assert Message.objects.count() == 3


def test_pauses_grow_while_there_is_no_server_and_while_it_ends_every_connection(open_page, way):
    page = open_page()
    page.evaluate("Math.random = () => 0.1; 0")
    page.evaluate("window.other = createClient({WebSocket: Recording}); 0")
    page.evaluate("other.parrot.getOrCreate('x').on('said', () => {}); 0")
    for times in (1, 2, 3):
        until(page, f"other.status === 'connected' && opened.length === {times}")
        way.cut()
    with way.closed():
        until(page, "opened.length === 6")
    times = page.evaluate("opened")
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert all(pause >= least - 5 for pause, least in zip(pauses, (100, 200, 400, 800, 1600), strict=True))
    until(page, "other.status === 'connected'")


def test_a_connection_that_says_nothing_any_more_is_taken_for_lost(start_worker, open_page, quick_way):
    start_worker()
    way = quick_way(WEBSOCKET_HEARTBEAT=0.3)
    page = open_page(address=way.address)
    listen(page, "said")
    way.hold()
    page.evaluate("parrot.send('say', 'after all', {wait: true})")
    until(page, "heard.length === 1")
    assert page.evaluate("heard") == [[1, "after all"]]
    assert way.taken >= 2


def test_a_reader_that_was_too_slow_connects_again_and_misses_nothing(start_worker, open_page, quick_way):
    start_worker()
    way = quick_way(WEBSOCKET_HEARTBEAT=0.2, WEBSOCKET_PATIENCE=1)
    page = open_page(address=way.address)
    page.evaluate("client.close(); window.client = createClient({WebSocket: Recording}); 0")
    page.evaluate("window.parrot = client.parrot.getOrCreate('x'); 0")
    listen(page, "many")
    page.evaluate(
        """
        const isLate = parrot.on("many", () => {
          isLate();
          for (const end = performance.now() + 4000; performance.now() < end; );
        });
        """
    )
    page.evaluate("parrot.send('say_many', {count: 400, size: 3000}); 0")
    until(page, "heard.length >= 400")
    assert page.evaluate("heard.map(([number]) => number)") == list(range(1, 401))
    # The code comes behind what is not read yet: daphne waits a second for the browser to get there, then it hangs up.
    assert page.evaluate("codes")[0] in (4429, 1006)
    assert page.evaluate("opened.length") >= 2


def test_its_status_is_told_until_nobody_asks(open_page, way):
    page = open_page()
    page.evaluate("window.statuses = []; window.stop = client.onStatus((status) => statuses.push(status)); 0")
    page.evaluate("parrot.on('said', () => {}); 0")
    until(page, "client.status === 'connected'")
    way.cut()
    until(page, "statuses.length === 5")
    page.evaluate("stop(); client.close(); 0")
    told = ["connecting", "connected", "waiting", "connecting", "connected"]
    assert page.evaluate("statuses") == told
    assert page.evaluate("client.status") == "closed"


def test_whoever_watches_the_status_may_ask_and_close(open_page, way):
    page = open_page()
    page.evaluate("window.other = createClient({WebSocket: Recording}); 0")
    page.evaluate("other.onStatus((status) => status === 'waiting' && other.close()); 0")
    asks = "status === 'connected' && (window.called = other.parrot.getOrCreate('x').call('heard'))"
    page.evaluate(f"other.onStatus((status) => {asks}); 0")
    page.evaluate("other.parrot.getOrCreate('x').on('said', () => {}); 0")
    until(page, "window.called !== undefined")
    assert page.evaluate("called") == []
    assert page.evaluate("sent.filter((type) => type === 'call').length") == 1  # an action runs once
    way.cut()
    until(page, "other.status === 'closed'")
    time.sleep(0.3)
    assert page.evaluate("[other.status, opened.length]") == ["closed", 1]


def test_what_a_page_s_own_functions_throw_is_reported_and_harms_no_other(
    start_worker, open_page, way, problems
):
    start_worker()
    page = open_page()
    page.evaluate("window.stop = client.onStatus((status) => { throw new Error(status); }); 0")
    page.evaluate("parrot.on('said', (data) => { throw new Error(data); }); 0")
    listen(page, "said")
    page.evaluate("parrot.send('say', 'one', {wait: true})")
    until(page, "heard.length === 1")
    way.cut()
    until(page, "client.status !== 'connected'")
    page.evaluate("parrot.send('say', 'two', {wait: true})")
    until(page, "heard.length === 2")
    page.evaluate("stop()")
    assert {"connecting", "connected", "waiting", "one", "two"} <= set(problems)
    problems.clear()
