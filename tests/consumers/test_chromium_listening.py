"""What the browser client hears: which events, from where on, and who lets it."""

from actorqueues.models import ActorInstance, Event
from tests.consumers.actors import Parrot, Team
from tests.consumers.chromium_pages import listen, until
from tests.consumers.chromium_pages import open_page as open_page
from tests.consumers.chromium_pages import problems as problems
from tests.consumers.chromium_pages import quick_way as quick_way
from tests.consumers.chromium_pages import way as way
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import PATIENCE, eventually

pytestmark = only_sqlite


def test_a_lost_connection_misses_no_event(start_worker, open_page, way):
    start_worker()
    page, parrot = open_page(), Parrot.get_or_create("x")
    page.evaluate(
        "new Promise((done) => parrot.on('said', (data, event) => heard.push([event.number, data]),"
        " {subscribed: done}))"
    )
    for turn in range(3):
        parrot.send("say", f"live {turn}", wait=True)
        until(page, f"heard.length >= {2 * turn + 1}")
        with way.closed():
            until(page, "client.status === 'waiting'")
            parrot.send("say", f"missed {turn}", wait=True)
    until(page, "heard.length >= 6")
    words = [f"{what} {turn}" for turn in range(3) for what in ("live", "missed")]
    assert page.evaluate("heard") == [[number, word] for number, word in enumerate(words, 1)]


def test_a_listener_begins_after_the_number_that_it_knows_and_others_hear_nothing_twice(
    start_worker, open_page
):
    start_worker()
    page = open_page()
    for word in ("one", "two", "three"):
        Parrot.get_or_create("x").ask("say", word, timeout=PATIENCE)
    assert listen(page, "said", after=1)["number"] == 3
    until(page, "heard.length === 2")
    page.evaluate("window.others = []; parrot.on('*', (data) => others.push(data), {after: 0}); 0")
    until(page, "others.length === 3")
    Parrot.get_or_create("x").ask("say", "four", timeout=PATIENCE)
    until(page, "others.length === 4")
    assert page.evaluate("heard") == [[2, "two"], [3, "three"], [4, "four"]]
    assert page.evaluate("others") == ["one", "two", "three", "four"]


def test_every_listener_of_an_actor_is_told_that_it_listens(start_worker, open_page):
    start_worker()
    page = open_page()
    for name, number in (("said", 0), ("said", 0), ("*", 0)):
        assert listen(page, name)["number"] == number
    Parrot.get_or_create("x").ask("say", "one", timeout=PATIENCE)
    until(page, "heard.length === 3")
    assert listen(page, "said") == {"number": 1, "generation": 1}


def test_a_name_that_is_added_while_events_come_loses_none_and_doubles_none(start_worker, open_page):
    start_worker()
    page = open_page()
    listen(page, "many")
    page.evaluate("parrot.send('say_many', {count: 300}); 0")
    for name in ("said", "whisper", "*"):
        page.evaluate(
            f"window.begun = new Promise((subscribed) => parrot.on('{name}',"
            " (data, event) => told.push([event.name, event.number]), {subscribed})); 0"
        )
    page.evaluate("begun")
    page.evaluate("parrot.send('say', 'last', {wait: true})")
    until(page, "heard.length >= 300 && told.filter(([name]) => name === 'said').length === 2")
    assert page.evaluate("heard.map(([number]) => number)") == list(range(1, 301))
    everything = page.evaluate("told.filter(([name]) => name === 'many').map(([, number]) => number)")
    assert everything == list(range(301 - len(everything), 301))
    assert page.evaluate("told.at(-1)") == ["said", 301]


def test_an_actor_that_decides_by_name_is_asked_for_the_names_that_are_listened_to(
    start_worker, open_page, quick_way, log_in
):
    start_worker()
    anna, session = log_in("anna")
    page = open_page(session, address=quick_way(WEBSOCKET_RECHECK=0.2).address)
    page.evaluate("window.club = client.club.getOrCreate('x'); 0")
    for name in ("news", "public", "*"):  # in one request, as there is no connection yet
        page.evaluate(
            f"club.on('{name}', (data) => heard.push(['{name}', data]),"
            f" {{error: (error) => refusals.push(['{name}', error.code])}}); 0"
        )
    until(page, "refusals.length === 2")
    assert page.evaluate("refusals") == [["news", "auth.forbidden"], ["*", "request.invalid"]]
    page.evaluate("club.send('talk', 'one', {wait: true})")
    until(page, "heard.length >= 1")
    anna.first_name = "member"
    anna.save()
    eventually(lambda: "number" in listen(page, "news", "club"))
    page.evaluate("club.send('talk', 'two', {wait: true})")
    until(page, "heard.length >= 3")
    assert page.evaluate("heard") == [["public", "one"], [3, "two"], ["public", "two"]]


def test_a_permission_that_is_taken_away_is_told_to_whom_it_concerns(
    start_worker, open_page, quick_way, log_in
):
    start_worker()
    anna, session = log_in("anna", first_name="member")
    page = open_page(session, address=quick_way(WEBSOCKET_RECHECK=0.2).address)
    page.evaluate("window.club = client.club.getOrCreate('x'); 0")
    listen(page, "public", "club")
    listen(page, "news", "club")
    anna.first_name = "guest"
    anna.save()
    until(page, "refusals.length === 1")
    page.evaluate("club.send('talk', 'one', {wait: true})")
    until(page, "heard.length === 1")
    anna.first_name = "member"
    anna.save()
    assert page.evaluate("refusals") == ["auth.forbidden"]
    eventually(lambda: "number" in listen(page, "news", "club"))
    page.evaluate("club.send('talk', 'two', {wait: true})")
    until(page, "heard.length === 3")
    assert page.evaluate("heard") == [[2, "one"], [3, "two"], [4, "two"]]


def test_a_bar_whose_user_may_see_no_more_says_that_it_does_not_know(
    start_worker, open_page, quick_way, log_in
):
    anna, session = log_in("anna", first_name="member")
    message = Team.get_or_create("x").send("pack", 2, user=anna).id
    way = quick_way(WEBSOCKET_RECHECK=0.2)
    page = open_page(session, message, actor="team", address=way.address)
    until(page, "sharedClient().status === 'connected'")
    anna.first_name = "guest"
    anna.save()
    until(page, "told.length === 1")
    assert page.evaluate("[told[0][0], told[0][1].code]") == ["lost", "auth.forbidden"]
    assert page.locator("actor-progress").get_attribute("status") == "unknown"


def test_too_much_that_was_missed_is_a_reset(start_worker, open_page, way):
    start_worker()
    page, parrot = open_page(), Parrot.get_or_create("x")
    listen(page, "said", reset="({number}) => heard.push(number)")
    parrot.ask("say", "before", timeout=PATIENCE)
    until(page, "heard.length === 1")
    with way.closed():
        for word in ("missed", "kept"):
            parrot.ask("say", word, timeout=PATIENCE)
        Event.objects.filter(number__lte=2).delete()
    until(page, "heard.length === 3")
    assert page.evaluate("heard") == [[1, "before"], 2, [3, "kept"]]


def test_an_actor_made_anew_is_a_reset_also_if_it_was_not_there_at_first(start_worker, open_page, way):
    start_worker()
    page, parrot = open_page(), Parrot.get_or_create("x")
    page.evaluate("window.resets = []; 0")
    listen(page, "said", reset="({number, generation}) => resets.push([number, generation])")
    parrot.ask("say", "before", timeout=PATIENCE)
    until(page, "heard.length === 1")
    with way.closed():
        parrot.destroy()
        eventually(lambda: ActorInstance.objects.filter(status="destroyed").exists())
        parrot.ask("say", "after", timeout=PATIENCE)
    until(page, "resets.length >= 1")
    parrot.ask("say", "at last", timeout=PATIENCE)
    until(page, "heard.at(-1)[1] === 'at last'")
    assert page.evaluate("resets.at(-1)[1]") == 2
