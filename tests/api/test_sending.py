"""POST to a queue: waiting, not waiting, repeating; and what became of it."""

import asyncio
import threading
import uuid
from datetime import datetime

import pytest
from django.db import connections
from django.test import AsyncClient, Client
from pydantic import BaseModel
from rest_framework.test import APIClient

from actorqueues import CONTENT, Actor, Message, Queue, Reject, action, handler
from actorqueues.definitions.segments import encode_segment
from actorqueues.models import Message as StoredMessage
from tests.api.conftest import ROOT, Api
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import PATIENCE, eventually

pytestmark = pytest.mark.usefixtures("empty_registry")


class Increment(BaseModel):
    amount: int = 1


class Parcel(BaseModel):
    content: bytes
    at: datetime
    numbers: tuple[int, int]


@pytest.fixture
def counter(empty_registry):
    class Counter(Actor):
        exposed = True
        initial_state = {"value": 0}

        @handler
        def increment(self, body: Increment) -> int:
            self.state["value"] += body.amount
            return self.state["value"]

        @handler
        def plain(self, body: Increment) -> None:
            self.state["value"] += body.amount

        @handler
        def stop(self) -> None: ...

        @handler(dedupe=CONTENT)
        def rebuild(self, body: str) -> str:
            return body.upper()

        @handler(dedupe=CONTENT)
        def remind(self, body: str) -> None: ...

    return Counter


def test_a_message_that_is_waited_for_is_answered_with_its_reply(counter, api, start_worker):
    start_worker()
    first = api.ask("counter/main/queue/increment/", {"amount": 5})
    assert first == {"status": "completed", "response": 5, "id": first["id"]}
    assert api.ask("counter/main/queue/increment", {"amount": 2})["response"] == 7  # without the last slash
    assert api.ask("counter/main/queue/plain/", {"amount": 2})["response"] is None
    assert api.ask("counter/main/queue/stop/")["status"] == "completed"


def test_a_message_that_is_not_waited_for_is_stored_and_can_be_followed(counter, api, start_worker):
    answer = api.post("counter/main/queue/plain/", {"body": {"amount": 3}})
    message_id = answer.json()["id"]
    assert (answer.status_code, answer.json()) == (202, {"status": "queued", "id": message_id})
    assert answer["Location"] == f"{ROOT}/counter/main/messages/{message_id}/"
    assert StoredMessage.objects.get().uid.hex == message_id

    told = api.client.get(answer["Location"]).json()
    assert (told["status"], told["attempt"], told["response"]) == ("queued", 1, None)
    start_worker()
    eventually(lambda: api.client.get(answer["Location"]).json()["status"] == "completed")


def test_a_timeout_is_no_error_and_the_reply_can_be_collected_later(counter, api, start_worker):
    answer = api.ask("counter/main/queue/increment/", {"amount": 4}, timeout=10)
    assert answer == {"status": "timedOut", "response": None, "id": answer["id"]}
    start_worker()
    place = f"counter/main/messages/{answer['id']}/"
    told = eventually(lambda: (found := api.get(place).json())["status"] == "completed" and found)
    assert told == {"status": "completed", "response": 4, "id": answer["id"], "queue": "increment"}


@pytest.mark.parametrize("text", ["secret", "secret" * 5000])
def test_a_message_that_fails_for_good_says_why_but_shows_no_traceback(api, start_worker, text):
    class Picky(Actor):
        exposed = True

        @handler
        def take(self, body: str) -> None:
            raise Reject("not today")

        @handler(max_attempts=1)
        def stumble(self, body: str) -> None:
            raise RuntimeError(text)

    start_worker()
    answer = api.ask("picky/x/queue/take/", "a")
    assert answer == {"status": "failed", "response": None, "error": "not today", "id": answer["id"]}
    answer = api.ask("picky/x/queue/stumble/", "a")
    assert (answer["status"], answer["error"]) == (
        "failed",
        "Its handler failed. The server's log tells why.",
    )
    told = api.get(f"picky/x/messages/{answer['id']}/")
    assert told.json()["status"] == "failed"
    assert "secret" not in told.content.decode()


def test_a_delayed_message_is_scheduled(counter, api):
    answer = api.post("counter/main/queue/plain/", {"body": {}, "delay": 60_000})
    told = api.client.get(answer["Location"]).json()
    assert told["status"] == "scheduled"
    assert StoredMessage.objects.get().scheduled_at is not None


def test_a_dedupe_key_sends_once(counter, api):
    sent = [
        api.post("counter/main/queue/plain/", {"body": {}, "dedupe": "order 7"}).json()["id"] for _ in "ab"
    ]
    assert sent[0] == sent[1]
    assert StoredMessage.objects.count() == 1


def test_an_idempotency_key_gives_a_repeat_the_first_ones_outcome(counter, api, start_worker):
    start_worker()
    request = {"body": {"amount": 2}, "wait": True, "timeout": PATIENCE * 1000}
    answers = [api.post("counter/main/queue/increment/", request, idempotency_key="k").json() for _ in "abc"]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["response"] == 2
    other = api.post("counter/main/queue/increment/", {"body": {"amount": 3}}, idempotency_key="k")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    elsewhere = api.post("counter/other/queue/increment/", {"body": {"amount": 3}}, idempotency_key="k")
    assert elsewhere.status_code == 202
    assert api.ask("counter/main/queue/increment/", {"amount": 1})["response"] == 3


def test_a_repeat_waits_for_the_first_one(counter, api, start_worker):
    first = api.post("counter/main/queue/increment/", {"body": {"amount": 2}}, idempotency_key="k").json()
    threading.Timer(0.3, start_worker).start()
    request = {"body": {"amount": 2}, "wait": True, "timeout": PATIENCE * 1000}
    repeat = api.post("counter/main/queue/increment/", request, idempotency_key="k").json()
    assert repeat == {"status": "completed", "response": 2, "id": first["id"]}


def test_idempotency_keys_are_each_users_own(counter, make_user):
    ann, ben = Api(make_user("ann")), Api(make_user("ben"))
    sent = [
        api.post("counter/main/queue/plain/", {"body": {"amount": n}}, idempotency_key="k", x_csrftoken="")
        for n, api in enumerate((ann, ben))
    ]
    assert [answer.status_code for answer in sent] == [202, 202]
    assert set(StoredMessage.objects.values_list("user_id", flat=True)) == {
        ann.client.session["_auth_user_id"], ben.client.session["_auth_user_id"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "key", [(), ("",), ("..",), (".", ".."), ("a/b", "c d"), ("é", "日本"), ("%2F", "~"), ("?#",)]
)
def test_every_key_reaches_its_actor(counter, api, key):
    api.post(f"counter/{encode_segment(key)}/queue/plain/", {"body": {}})
    assert counter.get_or_create(key).exists()
    message = StoredMessage.objects.get()
    assert message.actor_id == counter.get_or_create(key)._target.actor_id


def test_a_body_is_read_as_json_says_it(api, start_worker):
    seen = []

    class Post(Actor):
        exposed = ["take"]

        @handler
        def take(self, body: Parcel) -> Parcel:
            seen.append(body)
            return body

    start_worker()
    sent = {"content": "AAE=", "at": "2026-01-02T03:04:05Z", "numbers": [1, 2]}
    assert api.ask("post/x/queue/take/", sent)["response"] == sent
    assert (seen[0].content, seen[0].numbers) == (b"\0\1", (1, 2))


def test_the_senders_user_travels_with_the_message(make_user, start_worker):
    class Whoami(Actor):
        exposed = True

        @handler
        def tell(self, message: Message) -> str:
            return str(message.user_id)

    start_worker()
    ann = make_user()
    assert Api(ann).ask("whoami/x/queue/tell/")["response"] == str(ann.pk)
    assert Api().ask("whoami/x/queue/tell/")["response"] == "None"


# Looking after a message


def test_a_message_that_was_not_started_can_be_taken_back(counter, api):
    answer = api.post("counter/main/queue/plain/", {"body": {}})
    taken = api.client.delete(answer["Location"])
    assert (taken.status_code, taken.json()["status"]) == (200, "cancelled")
    assert not StoredMessage.objects.exists()
    told = api.client.get(answer["Location"]).json()
    assert (told["status"], told["error"]) == ("failed", "cancelled")


def test_a_message_that_was_started_cannot_be_taken_back(counter, api, start_worker):
    start_worker()
    message_id = api.ask("counter/main/queue/increment/", {"amount": 1})["id"]
    refused = api.delete(f"counter/main/messages/{message_id}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "operation_refused")


def test_another_actors_message_is_unknown(counter, api):
    message_id = api.post("counter/main/queue/plain/", {"body": {}}).json()["id"]
    for method in ("get", "delete"):
        for place in (
            f"other/messages/{message_id}",
            f"main/messages/{uuid.uuid4().hex}",
            "main/messages/nonsense",
        ):
            told = api.call(method, f"counter/{place}/")
            assert (told.status_code, told.json()["group"], told.json()["code"]) == (
                404,
                "message",
                "unknown",
            )
    assert StoredMessage.objects.count() == 1


def test_a_message_of_a_queue_that_is_not_exposed_is_unknown(api):
    class Half(Actor):
        exposed = ["open"]
        open = Queue(str)
        shut = Queue(str)

        async def run(self): ...

    message_id = Half.get_or_create("x").send(Half.shut, "a", track=True).id
    assert api.get(f"half/x/messages/{message_id}/").status_code == 404


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_a_settled_message_is_its_senders_and_the_staffs_too(make_user, start_worker, end):
    class Picky(Actor):
        exposed = True

        @handler
        def take(self, body: str) -> str:
            if body == "failed":
                raise Reject("not today")
            return body

    ann, ben, staff = (Api(make_user(name, is_staff=name == "staff")) for name in ("ann", "ben", "staff"))
    place = ann.post("picky/x/queue/take/", {"body": end})["Location"]
    if end == "cancelled":
        assert ann.client.delete(place).status_code == 200
    else:
        start_worker()
        eventually(lambda: ann.client.get(place).json()["status"] == end)
    for stranger in (ben, Api()):
        assert stranger.client.get(place).status_code == 404
        assert stranger.client.delete(place).status_code == 404
    assert ann.client.get(place).status_code == staff.client.get(place).status_code == 200


def test_what_nobody_in_particular_sent_is_whoevers_has_its_id(counter, make_user, start_worker):
    start_worker()
    message_id = Api().ask("counter/main/queue/increment/", {"amount": 3})["id"]
    for asking in (Api(), Api(make_user())):
        assert asking.get(f"counter/main/messages/{message_id}/").json()["response"] == 3


# Keys from outside, and equal bodies


def test_an_equal_body_takes_back_nothing_that_the_projects_own_code_sent(counter, make_user):
    counter.get_or_create("main").send("rebuild", "index")
    ben = Api(make_user("ben"))
    place = ben.post("counter/main/queue/rebuild/", {"body": "index"})["Location"]
    answer = ben.client.delete(place)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert StoredMessage.objects.count() == 1


@pytest.mark.parametrize("is_settled", [True, False])
def test_who_repeats_somebody_elses_message_may_not_wait_for_its_reply(
    counter, make_user, start_worker, is_settled
):
    ann, ben, staff = (Api(make_user(name, is_staff=name == "staff")) for name in ("ann", "ben", "staff"))
    if is_settled:
        start_worker()
        assert ann.ask("counter/main/queue/rebuild/", "index")["response"] == "INDEX"
    else:
        ann.post("counter/main/queue/rebuild/", {"body": "index"})
    request = {"body": "index", "wait": True, "timeout": 500}
    refused = ben.post("counter/main/queue/rebuild/", request)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "somebody else" in refused.json()["message"]
    assert "INDEX" not in refused.content.decode()
    for allowed in (ann, staff):
        answer = allowed.post("counter/main/queue/rebuild/", request)
        assert answer.json()["status"] == ("completed" if is_settled else "timedOut")
    assert ben.post("counter/main/queue/rebuild/", {"body": "index"}).status_code == 202


def test_who_repeats_a_message_that_leaves_no_outcome_is_told_so_at_once(counter, api):
    sent = counter.get_or_create("main").send("remind", "pay")
    told = api.post("counter/main/queue/remind/", {"body": "pay", "wait": True, "timeout": 500})
    error = told.json()
    assert (told.status_code, error["group"], error["code"]) == (409, "message", "outcome_not_kept")
    assert error["metadata"] == {"message_id": sent.id}


@pytest.mark.parametrize("sender", [None, "ann"])
def test_a_key_from_outside_is_never_one_of_the_projects_own(counter, make_user, sender):
    """Else whoever guesses it sends first, and what the project sends is a repeat of that."""
    user = None if sender is None else make_user(sender)
    api, handle = Api(user), counter.get_or_create("main")
    api.post("counter/main/queue/plain/", {"body": {"amount": 1}, "dedupe": "order 7"}, idempotency_key="k")
    for options in ({"dedupe": "order 7"}, {"idempotency_key": "k"}):
        assert handle.send("plain", {"amount": 9}, user=user, **options).deduplicated is False
    assert StoredMessage.objects.count() == 3


def test_dedupe_keys_from_outside_are_each_users_own(counter, make_user, start_worker):
    start_worker()
    ann, ben = Api(make_user("ann")), Api(make_user("ben"))
    for api, amount, value in ((ann, 3, 3), (ben, 4, 7), (ann, 3, 3), (ben, 4, 7)):
        answer = api.ask("counter/main/queue/increment/", {"amount": amount}, dedupe="order 7")
        assert answer["response"] == value


def test_a_delayed_message_from_outside_does_not_hold_back_equal_ones(counter, api):
    api.post("counter/main/queue/rebuild/", {"body": "index", "delay": 10**9})
    assert counter.get_or_create("main").send("rebuild", "index").deduplicated is False


def test_a_stored_message_is_its_senders_and_the_staffs(counter, make_user):
    ann, ben, staff = (Api(make_user(name, is_staff=name == "staff")) for name in ("ann", "ben", "staff"))
    place = ann.post("counter/main/queue/plain/", {"body": {}})["Location"]
    for stranger in (ben, Api()):
        assert stranger.client.get(place).status_code == 404
        assert stranger.client.delete(place).status_code == 404
    assert ann.client.get(place).status_code == 200
    assert staff.client.delete(place).status_code == 200


# Clients and stacks


def test_atomic_requests_do_not_stand_in_the_way(counter, backend, api, start_worker):
    start_worker()
    for alias in ("default", "postgresql"):
        connections.settings[alias]["ATOMIC_REQUESTS"] = True
    try:
        assert api.ask("counter/main/queue/increment/", {"amount": 5})["response"] == 5
        assert api.post("counter/main/queue/increment/", {"body": {}}).status_code == 202
    finally:
        for alias in ("default", "postgresql"):
            connections.settings[alias]["ATOMIC_REQUESTS"] = False


def test_rest_frameworks_client_works(counter, make_user, start_worker):
    start_worker()
    client = APIClient()
    client.force_authenticate(make_user())
    request = {"body": {"amount": 5}, "wait": True, "timeout": PATIENCE * 1000}
    assert client.post(f"{ROOT}/counter/main/queue/increment/", request, format="json").data["response"] == 5


def test_the_async_client_works_and_many_may_wait_at_once(counter, backend, start_worker):
    start_worker()
    request = {"body": {"amount": 1}, "wait": True, "timeout": PATIENCE * 1000}

    async def one():
        answer = await AsyncClient().post(
            f"{ROOT}/counter/main/queue/increment/", request, content_type="application/json"
        )
        return answer.json()["response"]

    async def several():
        return await asyncio.gather(*(one() for _ in range(10)))

    assert sorted(asyncio.run(several())) == list(range(1, 11))


@only_sqlite
def test_a_test_with_the_fixture_actors_needs_no_worker(counter, backend, actors):
    assert Api(client=Client()).ask("counter/main/queue/increment/", {"amount": 5})["response"] == 5


def test_actions_of_the_same_name_do_not_stand_for_queues(api):
    class Mixed(Actor):
        exposed = True

        @action
        def look(self) -> int:
            return 1

    assert api.post("mixed/x/queue/look/", {"body": None}).status_code == 404
