"""The socket of ``connect()``, frame by frame, against a real server."""

import json
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import psutil
import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from actorqueues.models import ActorInstance, Message
from tests.fixtures.backends import only_postgresql, only_sqlite
from tests.fixtures.workers import eventually
from tests.gateway.actors import Bulletin, Gated, Gauge, Members
from tests.gateway.serving import SETTINGS

PATIENCE = 30  # seconds: a server, a worker and this process may share a busy machine with others
SHOUTS = 600  # 30 MB: more than the kernel keeps of a connection


@contextmanager
def opened(
    server, actor, *, key="a", method="getOrCreate", params=None, encoding="json", speaks="rivet", **options
):
    query = {"rvt-method": method, "rvt-key": key} if method else {}
    token = options.pop("token", None)
    if token is not None:
        query["rvt-token"] = token
    protocols = [speaks, f"rivet_encoding.{encoding}"]
    if params is not None:
        protocols.append(f"rivet_conn_params.{quote(json.dumps(params), safe='')}")
    address = f"ws://{server}/rivet/gateway/{actor}/connect?{urlencode(query)}"
    with connect(address, subprotocols=protocols, proxy=None, open_timeout=PATIENCE, **options) as socket:
        yield socket


def heard(socket):
    body = json.loads(socket.recv(timeout=PATIENCE))["body"]
    return body["tag"], body["val"]


def say(socket, tag, **val):
    socket.send(json.dumps({"body": {"tag": tag, "val": val}}))


def ask(socket, number, name, *arguments):
    say(socket, "ActionRequest", id=["$BigInt", str(number)], name=name, args=list(arguments))


def refused(socket):
    """The error that the connection ends with."""
    tag, error = heard(socket)
    assert (tag, error["actionId"]) == ("Error", None)
    assert close_code(socket) == 4403
    return f"{error['group']}.{error['code']}"


def close_code(socket):
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=PATIENCE)
    return closed.value.rcvd.code


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_a_connection_begins_with_its_actor_s_id_and_answers_actions(backend, start_server, kind):
    with opened(start_server(kind), "rivet.mirror", key="x,y") as socket:
        assert socket.subprotocol == "rivet"
        tag, init = heard(socket)
        row = ActorInstance.objects.get()
        assert (tag, set(init)) == ("Init", {"actorId", "connectionId"})
        assert (init["actorId"], row.key) == (f"{row.id.hex}-1", "x/y")
        ask(socket, 7, "echo", ["$BigInt", str(2**60)])
        answer = {"id": ["$BigInt", "7"], "output": ["$BigInt", str(2**60)]}
        assert heard(socket) == ("ActionResponse", answer)
        say(socket, "SubscriptionRequest", eventName="shouted", subscribe=True)
        ask(socket, 8, "shout", "hey")
        frames = dict(heard(socket) for _ in range(2))
        assert frames["Event"] == {"name": "shouted", "args": [["$$x", "hey"]]}
        assert frames["ActionResponse"] == {"id": ["$BigInt", "8"], "output": None}


@only_sqlite
def test_an_action_that_fails_is_an_error_of_its_own(server):
    with opened(server, "rivet.gauge") as socket:
        assert heard(socket)[0] == "Init"
        for number, (name, code) in enumerate(
            [("broken", "internal.error"), ("reed", "actor.action_not_found")]
        ):
            ask(socket, number, name)
            tag, error = heard(socket)
            assert (tag, error["actionId"]) == ("Error", ["$BigInt", str(number)])
            assert f"{error['group']}.{error['code']}" == code
        ask(socket, 9, "read", 1, 2)
        assert heard(socket)[1]["code"] == "invalid"


@only_sqlite
def test_events_stop_when_they_are_no_longer_wanted(server):
    with opened(server, "rivet.mirror") as listener, opened(server, "rivet.mirror") as other:
        heard(listener), heard(other)
        say(listener, "SubscriptionRequest", eventName="shouted", subscribe=True)
        ask(listener, 0, "echo", 0)
        heard(listener)
        ask(other, 1, "shout", "first")
        assert heard(listener)[1]["args"] == [["$$x", "first"]]
        say(listener, "SubscriptionRequest", eventName="shouted", subscribe=False)
        ask(listener, 2, "echo", "still here")
        assert heard(listener)[1]["output"] == "still here"
        ask(other, 3, "shout", "second")
        assert heard(other)[0] == "ActionResponse"
        with pytest.raises(TimeoutError):
            listener.recv(timeout=1)


@only_sqlite
def test_who_may_not_connect_is_told_why(server):
    eve = get_user_model().objects.create(username="eve")
    Gated.create("a")
    Members.create(str(eve.pk))
    for actor, options, code in (
        ("rivet.members", {}, "auth.not_authenticated"),
        ("rivet.members", {"token": "nobody"}, "auth.authentication_failed"),
        ("rivet.members", {"token": "\0\U0001f600"}, "auth.authentication_failed"),
        ("rivet.members", {"token": "eve"}, "auth.forbidden"),  # it is not hers
        ("rivet.gated", {"params": {"password": "guess"}, "token": "eve"}, "auth.forbidden"),
        ("rivet.gated", {"params": [1]}, "request.invalid"),
        ("rivet.gated", {"key": "b", "params": {"password": "sesame"}, "token": "eve"}, "auth.forbidden"),
        ("rivet.gauge", {"method": "get"}, "actor.not_found"),
        ("0" * 32 + "-1", {"method": None}, "actor.not_found"),
        ("rivet.unexposed", {}, "actor.unknown_type"),
    ):
        with opened(server, actor, **options) as socket:
            assert refused(socket) == code, (actor, options)
    assert ActorInstance.objects.count() == 2
    with opened(server, "rivet.members", key=str(eve.pk), token="eve") as socket:
        assert heard(socket)[0] == "Init"


@only_sqlite
def test_what_an_action_sends_is_its_caller_s(server):
    eve = get_user_model().objects.create(username="eve")
    with opened(server, "rivet.mirror", token="eve") as socket:
        assert heard(socket)[0] == "Init"
        ask(socket, 1, "pass_on", "a")
        assert heard(socket)[0] == "ActionResponse"
    assert Message.objects.get().user_id == str(eve.pk)


@only_sqlite
def test_foreign_pages_and_other_protocols_are_not_let_in(server):
    for options in ({"origin": "https://evil.example"}, {"speaks": "graphql-ws"}):
        with pytest.raises(InvalidStatus) as refusal, opened(server, "rivet.mirror", **options):
            pass
        assert refusal.value.response.status_code == 403
    with opened(server, "rivet.mirror", origin=f"http://{server}") as socket:
        assert heard(socket)[0] == "Init"


@only_sqlite
def test_frames_that_make_no_sense_end_the_connection(server):
    say_nonsense = ("{", "[]", '{"body": {"tag": "Init", "val": {}}}', '{"body": ["$Date", 1]}', b"\x00\x01")
    for nonsense in say_nonsense:
        with opened(server, "rivet.mirror") as socket:
            assert heard(socket)[0] == "Init"
            socket.send(nonsense)
            assert refused(socket) == "request.parse_error"
    with opened(server, "rivet.mirror") as socket:
        assert heard(socket)[0] == "Init"
        ask(socket, 0, "echo", "x" * 200_000)
        assert close_code(socket) == 4413


@only_sqlite
def test_what_is_not_exposed_or_allowed_is_not_heard(server):
    with opened(server, "rivet.silent") as socket:
        assert heard(socket)[0] == "Init"
        say(socket, "SubscriptionRequest", eventName="anything", subscribe=True)
        tag, error = heard(socket)
        assert (tag, error["actionId"], error["code"]) == ("Error", None, "forbidden")
        ask(socket, 0, "hidden")  # the connection goes on
        assert heard(socket)[1]["code"] == "action_not_found"


@only_sqlite
def test_a_socket_hears_a_limited_number_of_events(start_server):
    with opened(start_server(WEBSOCKET_SUBSCRIPTIONS=1), "rivet.mirror") as socket:
        assert heard(socket)[0] == "Init"
        for name in ("shouted", "shouted", "other"):
            say(socket, "SubscriptionRequest", eventName=name, subscribe=True)
        assert heard(socket)[1]["code"] == "too_many_subscriptions"
        ask(socket, 0, "shout", "still")
        assert {heard(socket)[0] for _ in range(2)} == {"Event", "ActionResponse"}


def test_the_connection_ends_with_the_life_of_its_actor(backend, server, worker_process):
    worker_process(env=SETTINGS).wait_for_output("worker starts")
    with opened(server, "rivet.gauge") as socket:
        assert heard(socket)[0] == "Init"
        say(socket, "SubscriptionRequest", eventName="stepped", subscribe=True)
        ask(socket, 0, "who")
        assert heard(socket)[0] == "ActionResponse"
        Gauge.get("a").destroy()
        assert close_code(socket) == 4410
    with opened(server, "rivet.gauge") as socket:
        assert heard(socket)[1]["actorId"].endswith("-2")


def test_the_connection_ends_with_its_actor_though_no_event_is_heard(backend, start_server, worker_process):
    worker_process(env=SETTINGS).wait_for_output("worker starts")
    with opened(start_server(WEBSOCKET_RECHECK=0.3), "rivet.gauge") as socket:
        assert heard(socket)[0] == "Init"
        with pytest.raises(TimeoutError):  # it is looked for meanwhile
            socket.recv(timeout=1)
        Gauge.get("a").destroy()
        assert close_code(socket) == 4410


@only_sqlite
def test_who_may_hear_an_event_is_asked_for_each_one_and_again(start_server):
    ada = get_user_model().objects.create(username="ada")
    Bulletin.create("a")
    with opened(start_server(WEBSOCKET_RECHECK=0.3), "rivet.bulletin", token="ada") as socket:
        assert heard(socket)[0] == "Init"
        for name in ("public", "news"):
            say(socket, "SubscriptionRequest", eventName=name, subscribe=True)
        tag, error = heard(socket)
        assert (tag, error["actionId"], error["code"]) == ("Error", None, "forbidden")
        assert told(socket, "first") == ["public"]

        get_user_model().objects.filter(pk=ada.pk).update(first_name="member")
        eventually(lambda: asked_again(socket), PATIENCE)
        assert told(socket, "second") == ["news", "public"]

        get_user_model().objects.filter(pk=ada.pk).update(first_name="")
        tag, error = heard(socket)
        assert (tag, error["actionId"], error["code"]) == ("Error", None, "forbidden")
        assert told(socket, "third") == ["public"]


def asked_again(socket):
    """Whether the news may be heard now."""
    say(socket, "SubscriptionRequest", eventName="news", subscribe=True)
    ask(socket, 0, "wait", 0.1)
    tags = [heard(socket)[0]]
    while tags[-1] != "ActionResponse":
        tags.append(heard(socket)[0])
    return "Error" not in tags


def told(socket, text):
    """The events that come of it."""
    ask(socket, 1, "tell", text)
    frames = [heard(socket)]
    ask(socket, 2, "wait", 0.5)
    while frames[-1][1].get("id") != ["$BigInt", "2"]:
        frames.append(heard(socket))
    return [val["name"] for tag, val in frames if tag == "Event"]


@only_sqlite
def test_a_session_lets_in_until_it_ends(start_server):
    server = start_server(WEBSOCKET_RECHECK=0.3)
    ada = get_user_model().objects.create(username="ada")
    browser = Client()
    browser.force_login(ada)
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    with opened(server, "rivet.members", key=str(ada.pk), additional_headers=cookie) as socket:
        assert heard(socket)[0] == "Init"
        ask(socket, 0, "hello")
        assert heard(socket)[1]["output"] == f"hello {ada.pk}"
        Session.objects.all().delete()
        assert refused(socket) == "auth.forbidden"


@only_postgresql
@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_without_its_database_the_gateway_says_so_and_stores_nothing(backend, start_server, proxy, kind):
    server = start_server(kind, route=proxy.address)
    send = f"http://{server}/rivet/gateway/rivet.mirror/queue/anything?rvt-method=getOrCreate&rvt-key=a"
    with opened(server, "rivet.mirror") as connected:
        assert heard(connected)[0] == "Init"
        with proxy.refusing():
            status, error = post(send, {"body": 1})
            assert (status, error["group"], error["code"]) == (503, "database", "unavailable")
            with opened(server, "rivet.mirror") as socket:  # the client tries again by itself
                assert refused(socket) == "guard.service_unavailable"
        eventually(lambda: post(send, {"body": 1}) == (200, {"status": "completed"}), PATIENCE)
        eventually(lambda: is_answered(connected), PATIENCE)
        with proxy.refusing():
            say(connected, "SubscriptionRequest", eventName="shouted", subscribe=True)
            assert close_code(connected) == 4503  # the client connects again and asks again
    assert Message.objects.count() == 1


def is_answered(socket):
    """A lane trusts a connection of its own for a second after its last use, and so one call may still fail."""
    ask(socket, 0, "echo", 1)
    return heard(socket)[1].get("output") == 1


# Readers that stop reading


@contextmanager
def not_reading(server):
    """Hears what is shouted by the first socket, and stops reading after a few frames: it answers no ping then."""
    with (
        opened(server, "rivet.mirror") as other,
        opened(server, "rivet.mirror", compression=None, max_queue=1, ping_interval=None) as lazy,
    ):
        assert heard(other)[0] == heard(lazy)[0] == "Init"
        say(lazy, "SubscriptionRequest", eventName="shouted", subscribe=True)
        ask(lazy, 0, "echo", 0)
        assert heard(lazy)[0] == "ActionResponse"
        for number in range(SHOUTS):
            ask(other, number, "shout", "x" * 50_000)
            assert heard(other)[0] == "ActionResponse"
        yield other, lazy


def end_of(socket):
    """How many frames there were still to be read, and the close code, if one came."""
    frames = 0
    try:
        while socket.recv(timeout=PATIENCE):
            frames += 1
    except ConnectionClosed as closed:
        return frames, closed.rcvd and closed.rcvd.code


@only_sqlite
def test_on_uvicorn_who_does_not_read_is_told_so_at_the_end(start_server):
    with not_reading(start_server("uvicorn")) as (_, lazy):
        frames, code = end_of(lazy)
        assert (frames < SHOUTS, code) == (True, 4429)


@only_sqlite
def test_on_daphne_who_does_not_read_is_dropped_by_the_server_s_pings(start_server):
    """Daphne takes whatever it is given: nothing else tells how far a reader is."""
    server = start_server(options=("--ping-interval", 1, "--ping-timeout", 2))
    with not_reading(server) as (other, lazy):
        eventually(lambda: not is_established(lazy), PATIENCE)
        assert end_of(lazy)[1] is None
        ask(other, 0, "echo", "still here")
        assert heard(other)[1]["output"] == "still here"


def is_established(socket):
    own = psutil.Process().net_connections("tcp")
    port = socket.socket.getsockname()[1]
    return any(one.laddr.port == port and one.status == psutil.CONN_ESTABLISHED for one in own)


def post(address, data):
    request = Request(address, json.dumps(data).encode(), {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)
