import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.utils import timezone

from actorqueues.admin import inspector, message_operations, message_search, windows
from actorqueues.definitions.keys import actor_id_for
from actorqueues.definitions.registry import registry
from actorqueues.diagnosis import underway
from actorqueues.diagnosis.mailboxes import known_queues
from actorqueues.diagnosis.names import types_in_database
from actorqueues.models import ActorInstance, DeadLetter, Message, Wake
from actorqueues.storage.actors import create_actor
from actorqueues.storage.pausing import pause_type
from tests.admin.pages import confirm, operate, page, text_of
from tests.fixtures.workers import eventually
from tests.playground.actors import Scribe, Tally

VIEW = ("view_message", "view_actorinstance")
CHANGE = (*VIEW, "change_message", "delete_message", "view_deadletter")
LATER = timedelta(hours=1)


def send(key="main", count=1, actor=Tally, queue="increment", body=None, **options):
    """Stores messages; the last one's row."""
    for _ in range(count):
        receipt = actor.get_or_create(key).send(queue, body or {}, **options)
    return Message.objects.get(uid=receipt.id)


def claimed(key="main", actor=Tally, **fields):
    """The actor has a row, and its wakes are gone."""
    actor_id = actor_id_for(actor.type_name, key)
    create_actor(actor_id, actor.type_name, key, input=None, using=Message.objects.db)
    Wake.objects.filter(actor_id=actor_id).delete()
    ActorInstance.objects.filter(id=actor_id).update(**fields)
    return ActorInstance.objects.get(id=actor_id)


def started(message):
    wake = Wake.objects.filter(actor_id=message.actor_id).first()
    claimed(wake.key, actor=registry.find(wake.type), worker_id=uuid4())
    Message.objects.filter(pk=message.pk).update(started_at=timezone.now())


def retrying(message, key="main"):
    claimed(key, wake_at=timezone.now() + LATER)
    Message.objects.filter(pk=message.pk).update(
        retry_at=timezone.now() + LATER, failures=2, error="Boom: no"
    )
    message.refresh_from_db()
    return message


def listed(client, **query):
    """The numbers in the list, and its notes."""
    changes = client.get(page("message"), query).context["cl"]
    return [message.pk for message in changes.result_list], changes.notes


def shown(client, message, **given):
    return client.get(page("message", "change", message.uid.hex), **given)


# The list


def test_the_list_tells_where_each_message_stands(staff, backend):
    later = send("a", delay=3600)
    ready = send("b", user=7)
    flying = send("c")
    started(flying)
    backing = retrying(send("d"), "d")
    text = text_of(staff(*VIEW).get(page("message")))
    for status in ("scheduled for", "in flight since", "retrying at"):
        assert f"increment {status}" in text
    assert all(f"…{message.uid.hex[-4:]} tally/" in text for message in (later, flying, backing))
    assert f"{ready.uid.hex[:8]}…{ready.uid.hex[-4:]} tally/b increment ready 1 7" in text
    assert " 3 - " in text  # two failures, and nobody's


def test_the_actor_is_named_and_linked_also_before_it_has_a_row(staff, backend):
    message = send(("a", "b"))
    assert not ActorInstance.objects.exists()
    link = f'<a href="{page("actorinstance", "change", message.actor_id)}">tally/a/b</a>'
    assert link in staff(*VIEW).get(page("message")).content.decode()
    claimed("a/b")
    assert link in staff(*VIEW, name="bob").get(page("message")).content.decode()
    alone = staff("view_message", name="cid").get(page("message")).content.decode()
    assert "tally/a/b" in alone
    assert link not in alone


def test_every_status_finds_its_messages(staff, backend):
    found = {
        "scheduled": send("a", delay=3600),
        "ready": send("b"),
        "in-flight": send("c"),
        "retrying": retrying(send("d"), "d"),
    }
    started(found["in-flight"])
    client = staff(*VIEW)
    assert {status: listed(client, status=status)[0] for status in found} == {
        status: [message.pk] for status, message in found.items()
    }
    assert listed(client, status="nonsense")[0] == []


def test_in_flight_and_retrying_are_found_beyond_the_newest(staff, backend, monkeypatch):
    flying, backing = send("c"), retrying(send("d"), "d")
    started(flying)
    monkeypatch.setattr(windows, "NEWEST", 3)
    send("e", 5)
    client = staff(*VIEW)
    assert listed(client, status="in-flight") == ([flying.pk], [])
    assert listed(client, status="retrying") == ([backing.pk], [])
    assert listed(client, status="retrying", type="tally", queue="increment") == ([backing.pk], [])
    assert listed(client, status="retrying", type="scribe") == ([], [])


def test_a_batch_in_hand_is_in_flight_as_a_whole(staff, backend):
    send("c", 3)
    claimed("c", worker_id=uuid4())
    Message.objects.update(started_at=timezone.now())
    assert len(listed(staff(*VIEW), status="in-flight")[0]) == 3


def test_how_many_actors_were_looked_at_is_said(staff, backend, monkeypatch):
    for key in "abc":
        started(send(key))
    client, note = staff(*VIEW), "Only the messages of %s actors are looked at; there are more actors."
    monkeypatch.setattr(underway, "MOST_PLACES", 3)
    assert listed(client, status="in-flight")[1] == []
    monkeypatch.setattr(underway, "MOST_PLACES", 2)
    found, notes = listed(client, status="in-flight")
    assert len(found) == 2
    assert notes == [note % 2]
    for key in "defg":
        retrying(send(key), key)
    monkeypatch.setattr(underway, "MOST_PLACES", 4)
    found, notes = listed(client, status="retrying")
    assert len(found) == 2  # half of what may be looked at is left to those that are awake
    assert notes == [note % 4]


def test_queues_are_bounded_not_actors(staff, backend, monkeypatch):
    """An actor with many queues is as much work as many actors with one."""
    queues = len(known_queues("scribe"))
    assert queues > 5
    for key in "abc":
        started(send(key, actor=Scribe, queue="doze"))
    monkeypatch.setattr(underway, "MOST_PLACES", 3 * queues - 1)
    found, notes = listed(staff(*VIEW), status="in-flight")
    assert len(found) == 2
    assert notes == ["Only the messages of 2 actors are looked at; there are more actors."]


def test_of_a_chosen_type_alone_actors_are_looked_at(staff, backend, monkeypatch):
    for key in "abc":
        started(send(key, actor=Scribe, queue="doze"))
    flying, backing = send("d"), retrying(send("e"), "e")
    started(flying)
    monkeypatch.setattr(underway, "MOST_PLACES", 4)
    client = staff(*VIEW)
    assert listed(client, status="in-flight", type="tally") == ([flying.pk], [])
    assert listed(client, status="retrying", type="tally") == ([backing.pk], [])


def test_how_many_messages_of_a_queue_were_looked_at_is_said(staff, backend, monkeypatch):
    monkeypatch.setattr(underway, "MOST_HEADS", 2)
    send("c", 3)
    claimed("c", worker_id=uuid4())
    Message.objects.update(started_at=timezone.now())
    found, notes = listed(staff(*VIEW), status="in-flight")
    assert len(found) == 2
    assert notes == ["Only the first 2 messages of each queue are looked at."]


def test_a_retry_whose_time_has_come_is_ready(staff, backend):
    message, client = retrying(send()), staff(*VIEW)
    Message.objects.update(retry_at=timezone.now() - LATER)
    assert listed(client, status="retrying")[0] == []
    assert listed(client, status="ready")[0] == [message.pk]
    assert "increment ready 3" in text_of(client.get(page("message")))
    assert "Status ready" in text_of(shown(client, message))


def test_a_number_that_is_not_exact_says_so(staff, backend, monkeypatch):
    send("a", 3)
    client = staff(*VIEW)
    assert listed(client)[1] == []
    monkeypatch.setattr(windows, "COUNTED", 2)
    monkeypatch.setattr(windows, "estimated_count", lambda rows: 12345)
    assert listed(client)[1] == ["About 12,345, as the database estimates. The list ends after 2."]
    assert "There are more than 2. The list ends there." in listed(client, type="tally")[1]


def test_other_filters_look_at_the_newest_and_say_so(staff, backend, monkeypatch):
    old = send("a")
    new = send("a", 3)
    client = staff(*VIEW)
    assert len(listed(client, type="tally")[0]) == 4
    monkeypatch.setattr(windows, "NEWEST", 3)
    monkeypatch.setattr(message_search, "NEWEST", 3)
    for query in ({"type": "tally"}, {"queue": "increment"}, {"status": "ready"}):
        found, notes = listed(client, **query)
        assert len(found) == 3
        assert new.pk in found
        assert old.pk not in found
        assert notes == ["Only the newest 3 messages are looked at."]
    assert listed(client)[1] == []


def test_a_type_is_found_with_and_without_rows(staff, backend):
    with_row, without = send("a"), send("b")
    claimed("a")
    other = send("a", actor=Scribe, queue="doze")
    client = staff(*VIEW)
    assert listed(client, type="tally")[0] == [without.pk, with_row.pk]
    assert listed(client, type="scribe")[0] == [other.pk]
    assert listed(client, queue="doze")[0] == [other.pk]


def test_filters_are_offered_from_the_code_and_for_types_without_code(staff, backend):
    send("a")
    registry.unregister(Tally)
    text = text_of(staff(*VIEW).get(page("message")))
    assert "tally" in text
    assert "scribe" in text
    assert "doze" not in text  # queues are offered of a type
    assert "doze" in text_of(staff(*VIEW, name="bob").get(page("message"), {"type": "scribe"}))


def test_search_finds_an_id_of_any_age_and_an_actors_mailbox(staff, backend, monkeypatch):
    monkeypatch.setattr(windows, "NEWEST", 1)
    first, second, later = send("a/b"), send("a/b"), send("a/b", delay=3600)
    send("c")
    client = staff(*VIEW)
    assert listed(client, q=first.uid.hex) == ([first.pk], [])
    assert listed(client, q=f" {first.uid} ") == ([first.pk], [])
    assert listed(client, q="tally/a\\/b") == ([later.pk, second.pk, first.pk], [])
    assert listed(client, q="tally/a\\/b", status="scheduled") == ([later.pk], [])
    assert listed(client, q="nonsense") == ([], ["Search for a message's id, or for the actor: type/key."])


@pytest.mark.parametrize("name", ["q", "type", "queue", "status"])
def test_what_no_database_takes_is_no_error(name, staff, backend):
    send()
    assert staff(*VIEW).get(page("message"), {name: "x\0"}, follow=True).status_code == 200


def test_of_a_deep_mailbox_the_first_messages_are_found(staff, backend, monkeypatch):
    monkeypatch.setattr(underway, "OF_ONE_ACTOR", 2)
    send("a", 5)
    found, notes = listed(staff(*VIEW), q="tally/a")
    assert found == sorted(Message.objects.order_by("pk").values_list("pk", flat=True)[:2], reverse=True)
    assert notes == ["Only the first 2 messages of each queue are looked at."]


def test_lists_take_few_queries_and_read_no_bodies(staff, backend, few_queries, django_assert_num_queries):
    for number in range(60):
        send(f"a{number}", 2)
    for number in range(30):
        claimed(f"a{number}", worker_id=uuid4())
    client = staff(*CHANGE)
    for query in ({}, {"status": "in-flight"}, {"type": "tally"}, {"q": "tally/a1"}, {"status": "retrying"}):
        with few_queries():
            response = client.get(page("message"), query)
        for message in response.context["cl"].result_list:
            assert {"body", "meta", "error"} <= message.get_deferred_fields()


def test_many_types_make_no_more_queries(staff, backend, few_queries):
    for number in range(40):
        Wake.objects.create(type=f"t{number}", actor_id=uuid4(), key="a")
        ActorInstance.objects.create(id=uuid4(), type=f"r{number}", key="a", created_at=timezone.now())
    message, client = send(), staff(*CHANGE, "view_overview")
    of_message = page("message", "change", message.uid.hex)
    for address in (page("message"), page("deadletter"), of_message, page("overview")):
        with few_queries():
            response = client.get(address)
    assert "t39" in text_of(client.get(page("message")))
    assert response.status_code == 200
    assert types_in_database(backend) == sorted(
        ["tally", *(f"{kind}{number}" for kind in "tr" for number in range(40))]
    )


# One message's page


def test_a_message_is_shown_whole(staff, backend):
    user = get_user_model().objects.create_user("eve")
    message = retrying(
        send(
            body={"amount": 41},
            user=user,
            headers={"X-Trace": "t1", "Cookie": "c00kie"},
            track=True,
            expires=900,
        )
    )
    html = shown(staff(*VIEW, "view_payload"), message).content.decode()
    text = text_of(shown(staff(*VIEW, "view_payload", name="bob"), message))
    assert "amount 41" in text
    assert "X-Trace t1" in text
    assert "c00kie" not in text
    assert "Boom: no" in text
    assert "3 (2 failures, 0 crashes)" in text
    assert "Waits for its next attempt," in text
    assert "Expires" in text
    assert f"User {user.pk}" in text  # who may not look at users sees no name
    assert f'href="{page("actorinstance", "change", message.actor_id)}">tally/main</a>' in html


def test_the_user_is_linked_for_who_may_look_at_users(staff, backend):
    client = staff()
    get_user_model().objects.update(is_superuser=True)
    user = get_user_model().objects.create_user("eve")
    message, stranger = send(user=user), send(user="no such id")
    assert f'<a href="/admin/auth/user/{user.pk}/change/">eve</a>' in shown(client, message).content.decode()
    assert "no such id" in text_of(shown(client, stranger))


def test_payloads_are_for_those_who_may_see_them(staff, backend):
    message = send(body={"amount": 4711}, headers={"X-Trace": "what it carries"})
    html = shown(staff(*VIEW), message).content.decode()
    assert "You may not see payloads" in html
    assert "4711" not in html
    assert "what it carries" not in html


def test_pages_are_for_those_who_may_view_messages(staff, backend):
    message, client = send(), staff("view_payload", "delete_message")
    assert client.get(page("message")).status_code == 403
    assert shown(client, message).status_code == 403
    assert client.get(page("message", "sections", message.uid)).status_code == 403
    assert operate(client, "message", "cancel", message.pk).status_code == 403


def test_what_it_waits_for_is_said(staff, backend):
    client = staff(*VIEW)
    first, second, later = send("a"), send("a"), send("a", delay=3600)
    assert "a worker: none is alive" in text_of(shown(client, first))
    assert "1 message before it in its queue" in text_of(shown(client, second))
    assert "Waits for its time," in text_of(shown(client, later))
    claimed("a", paused_at=timezone.now())
    assert "its actor to be resumed" in text_of(shown(client, first))
    claimed("a", paused_at=None, status="held")
    assert "its stored state does not load" in text_of(shown(client, first))
    claimed("a", status="live")
    pause_type("tally", "increment", using=backend)
    assert "its queue to be resumed" in text_of(shown(client, first))
    pause_type("tally", "", using=backend)
    assert "its actor type to be resumed" in text_of(shown(client, first))
    started(send("b"))
    assert "Waits for" not in text_of(shown(client, Message.objects.get(started_at__isnull=False)))


def test_a_type_without_code_is_shown_all_the_same(staff, backend):
    message = send(body={"amount": 4711})
    registry.unregister(Tally)
    text = text_of(shown(staff(*VIEW, "view_payload"), message))
    assert "this project has none for its actor type" in text
    assert "amount 4711" in text


def test_what_comes_from_outside_is_escaped_and_cut(staff, backend):
    message = send("<script>k")
    Message.objects.update(
        body=json.dumps({"<script>b": "<script>v" + "x" * 1_000_000}),
        meta=json.dumps({"headers": {"<script>h": "<script>"}}),
        error="<script>e" + "y" * 1_000_000 + "the end",
        user_id="<script>u",
        failures=1,
    )
    client = staff(*VIEW, "view_payload")
    html = shown(client, message).content.decode()
    assert html.count("<script>") == 0
    assert len(html) < 80_000
    assert "the end" in html
    assert "characters are left out" in html
    assert "&lt;script&gt;k" in html
    assert client.get(page("message")).content.decode().count("<script>") == 0


def test_its_number_leads_to_its_page(staff, backend):
    message, client = send(), staff(*VIEW)
    response = client.get(page("message", "change", message.pk))
    assert response.url == page("message", "change", message.uid.hex)
    for unknown in (message.pk + 1, "9" * 19, "9" * 40, "x"):
        assert client.get(page("message", "change", unknown)).status_code == 404


def test_what_became_of_a_message_is_said(staff, backend, start_worker):
    client = staff(*VIEW, "view_deadletter", "view_payload")
    start_worker()
    known = send("a", body={"amount": 4711}, track=True)
    unknown = send("a", actor=Scribe, queue="doze")
    rejected = send("a", actor=Scribe, queue="reject", body={"note": "not today"})
    eventually(lambda: not Message.objects.exists())
    done = text_of(shown(client, known))
    assert "It is no longer stored: it was completed." in done
    assert "value 4711" in done
    dead = shown(client, rejected).content.decode()
    assert "It is a dead letter: rejected by its handler." in dead
    Message.objects.all().delete()
    DeadLetter.objects.all().delete()
    lost = shown(client, rejected)
    assert lost.status_code == 404
    assert "Nothing is kept of this message" in lost.content.decode()
    assert unknown


def test_the_page_draws_itself_anew_until_the_message_is_gone(staff, backend):
    client = staff(*CHANGE)
    message = send()
    assert f"?watch=actor:{message.actor_id.hex}" in shown(client, message).content.decode()
    sections = client.get(page("message", "sections", message.uid)).json()["sections"]
    assert f'value="{page("message", "change", message.uid.hex)}"' in sections["message"]
    Message.objects.all().delete()
    sections = client.get(page("message", "sections", message.uid)).json()["sections"]
    assert "Nothing is kept of this message" in sections["message"]


# Operations

BUTTONS = {"retry": "Retry now", "cancel": "Cancel", "bury": "Make a dead letter"}
PERMISSIONS = {"retry": "change_message", "cancel": "delete_message", "bury": "change_message"}


ALL_OF_THE_LIST = {"action": "bury", "_selected_action": [1], "index": "0", "select_across": "1"}


def for_operation(name):
    return retrying(send()) if name == "retry" else send()


@pytest.mark.parametrize("name", BUTTONS)
def test_without_its_permission_there_is_no_button_and_a_forged_post_is_refused(name, staff, backend):
    message = for_operation(name)
    others = {*PERMISSIONS.values()} - {PERMISSIONS[name]}
    client = staff(*VIEW, *others)
    address = page("message", "operate", name)
    assert address not in shown(client, message).content.decode()
    assert f'<option value="{name}"' not in client.get(page("message")).content.decode()
    assert operate(client, "message", name, message.pk).status_code == 403
    action = {"action": name, "_selected_action": message.pk, "index": "0"}
    confirm(client, client.post(page("message"), action))
    forged = {"confirmed": json.dumps({str(message.pk): ""})}
    assert client.post(page("message", "operate", name), forged).status_code == 403
    assert Message.objects.get(pk=message.pk).retry_at == message.retry_at
    assert not LogEntry.objects.exists()
    allowed = shown(staff(*VIEW, PERMISSIONS[name], name="bob"), message).content.decode()
    assert address in allowed
    assert BUTTONS[name] in allowed


@pytest.mark.parametrize("name", BUTTONS)
def test_nothing_is_done_before_it_is_confirmed(name, staff, backend):
    message = for_operation(name)
    text = text_of(operate(staff(*CHANGE), "message", name, message.pk, confirmed=False))
    assert f"increment {message.uid.hex}" in text
    assert "this message" in text
    message.refresh_from_db()
    assert not LogEntry.objects.exists()


def test_retry_now_ends_the_backoff_and_is_logged(staff, backend):
    message, client = retrying(send()), staff(*CHANGE)
    response = operate(client, "message", "retry", message.pk)
    assert "1 message is tried now." in text_of(response)
    message.refresh_from_db()
    assert message.retry_at is None
    assert message.failures == 2
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id, entry.change_message) == (
        client.user.pk,
        str(message.actor_id),
        "Retry now",
    )
    assert entry.object_repr == f"{message} (tally/main)"


def test_retry_now_is_refused_while_a_worker_holds_the_actor(staff, backend):
    message = retrying(send())
    claimed(worker_id=uuid4())
    text = text_of(operate(staff(*CHANGE), "message", "retry", message.pk))
    assert "a worker has its actor in memory" in text
    message.refresh_from_db()
    assert message.retry_at is not None
    assert not LogEntry.objects.exists()


def test_cancel_says_how_many_and_why_not_the_others(staff, backend):
    first, second = send("a"), send("b")
    started(third := send("c"))
    keys = [message.pk for message in (first, second, third)]
    response = operate(staff(*CHANGE), "message", "cancel", *keys)
    text = text_of(response)
    assert "Cancelled 2 messages." in text
    assert f"Increment {third.uid.hex}: it was started before, or is gone." in text
    assert list(Message.objects.all()) == [third]
    assert LogEntry.objects.count() == 2
    assert response.redirect_chain[-1][0] == page("message")


def test_a_message_is_made_a_dead_letter_with_a_note(staff, backend):
    message, client = send(), staff(*CHANGE)
    here = page("message", "change", message.uid.hex)
    text = text_of(operate(client, "message", "bury", message.pk, note="it is wrong", next=here))
    assert "1 message is a dead letter now." in text
    assert "It is a dead letter: put aside by an operator." in text
    letter = DeadLetter.objects.get()
    assert letter.error == "it is wrong"
    assert LogEntry.objects.get().change_message == "Make a dead letter (it is wrong)"


def test_the_list_operates_on_many_at_once(staff, backend):
    send("a", 3)
    client = staff(*CHANGE)
    keys = list(Message.objects.values_list("pk", flat=True))
    action = {"action": "bury", "_selected_action": keys, "index": "0", "select_across": "0"}
    asked = client.post(page("message"), action)
    assert "Make dead letters of these 3 messages?" in text_of(asked)
    text = text_of(confirm(client, asked))
    assert "3 messages are dead letters now." in text
    assert DeadLetter.objects.count() == 3


def test_of_a_whole_list_only_so_many_are_done_at_once(staff, backend, monkeypatch):
    monkeypatch.setattr(inspector, "MOST_TARGETS", 2)
    send("a", 3)
    client = staff(*CHANGE)
    asked = client.post(page("message"), ALL_OF_THE_LIST)
    assert "These are only the first 2 of the list." in text_of(asked)
    assert "2 messages are dead letters now." in text_of(confirm(client, asked))
    assert Message.objects.count() == 1


def test_a_deep_list_has_only_so_many_pages(staff, backend, monkeypatch):
    monkeypatch.setattr(windows, "COUNTED", 60)
    send("a", 130)
    client = staff(*VIEW)
    assert client.get(page("message"), {"p": 2}).context["cl"].paginator.num_pages == 2
    assert client.get(page("message"), {"p": 3}).url.endswith("?e=1")


@pytest.mark.parametrize("model", ["actorinstance", "message", "deadletter", "worker"])
def test_an_address_does_not_sort_a_list(staff, backend, model):
    client = staff(f"view_{model}")
    changes = client.get(page(model), {"o": "-3.2"}).context["cl"]
    plain = client.get(page(model)).context["cl"]
    assert changes.queryset.query.order_by == plain.queryset.query.order_by


def test_who_is_out_of_time_says_what_is_left(staff, backend, monkeypatch):
    monkeypatch.setattr(message_operations, "PATIENCE", -1)
    send("a", 2)
    keys = list(Message.objects.values_list("pk", flat=True))
    text = text_of(operate(staff(*CHANGE), "message", "bury", *keys))
    assert "2 are left; do it again for those." in text
    assert Message.objects.count() == 2
