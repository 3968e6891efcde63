"""Whatever is done: only what was confirmed, all of it logged, and said also when it fails half-way."""

import json
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone

from actorqueues.admin.actor_operations import OPERATIONS
from actorqueues.admin.operations import Operator
from actorqueues.definitions.keys import actor_id_for
from actorqueues.models import ActorInstance, ActorStatus, DeadLetter, HistoryEntry, Message
from actorqueues.storage.actors import create_actor
from tests.admin.pages import confirm, operate, page, text_of
from tests.fixtures.backends import only_postgresql
from tests.fixtures.workers import eventually
from tests.playground.actors import Scribe, Tally

ACTORS = ("view_actorinstance", "change_actorinstance", "delete_actorinstance", "delete_message")
MESSAGES = (
    "view_message", "view_actorinstance", "view_deadletter", "change_message", "delete_message",
    "change_deadletter",
)  # fmt: skip
OVERVIEW = ("view_overview", "add_pause", "delete_pause", "delete_message")


def make(*keys):
    """Actors with a row, asleep."""
    for key in keys:
        Tally.create(key)
    return [ActorInstance.objects.get(key=key) for key in keys]


def send(key="main", queue="increment", actor=Tally, **options):
    receipt = actor.get_or_create(key).send(queue, {}, **options)
    return Message.objects.get(uid=receipt.id)


def retrying(message):
    ensure_row(message.actor_id)
    later = timezone.now() + timezone.timedelta(hours=1)
    Message.objects.filter(pk=message.pk).update(retry_at=later, failures=2, error="Boom: no")
    return message


def ensure_row(actor_id, key="main"):
    create_actor(actor_id, "tally", key, input=None, using=Message.objects.db)


def die(number=1, key="main"):
    """Dead letters of one actor."""
    actor_id, now = actor_id_for("tally", key), timezone.now()
    ensure_row(actor_id, key)
    letters = [
        DeadLetter(
            uid=uuid4(), actor_id=actor_id, queue="increment", reason="exhausted", body="{}", error="no",
            sequence=place, enqueued_at=now, died_at=now,
        )
        for place in range(number)
    ]  # fmt: skip
    return DeadLetter.objects.bulk_create(letters)


@contextmanager
def broken(alias, table, change, condition, end="RAISE EXCEPTION 'not this one'"):
    """Changes of such rows fail, as those of a full disk or of somebody's trigger do."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        made = f"""CREATE TRIGGER aq_broken BEFORE {change} ON {table} WHEN {condition}
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END"""
        removed = "DROP TRIGGER aq_broken"
    else:
        made = f"""CREATE FUNCTION aq_break() RETURNS trigger AS $$ BEGIN {end}; RETURN NEW; END $$
                   LANGUAGE plpgsql;
                   CREATE TRIGGER aq_broken BEFORE {change} ON {table} FOR EACH ROW WHEN ({condition})
                   EXECUTE FUNCTION aq_break()"""
        removed = f"DROP TRIGGER aq_broken ON {table}; DROP FUNCTION aq_break()"
    with connection.cursor() as cursor:
        cursor.execute(made)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(removed)


def logged():
    return list(LogEntry.objects.order_by("id").values_list("change_message", "object_repr"))


# What fails half-way


def test_what_was_done_before_a_failure_is_logged_and_said(staff, backend, caplog):
    actors = make("a", "b", "c")
    client = staff(*ACTORS)
    with broken(backend, "actorqueues_actor", "UPDATE", "NEW.key = 'b'"):
        text = text_of(operate(client, "actorinstance", "pause", *[actor.pk for actor in actors]))
    assert "Paused 1 actor." in text
    assert "It failed at tally/b: " in text
    assert "What comes after was left alone." in text
    assert "not this one" not in text  # an error may quote what this person may not see
    assert "not this one" in caplog.text
    assert list(ActorInstance.objects.exclude(paused_at=None)) == [actors[0]]
    assert logged() == [("Pause", "tally/a")]


@only_postgresql
def test_a_connection_that_is_lost_half_way_takes_no_log_with_it(staff, backend):
    actors = make("a", "b")
    end = "PERFORM pg_terminate_backend(pg_backend_pid())"
    with broken(backend, "actorqueues_actor", "UPDATE", "NEW.key = 'b'", end):
        text = text_of(operate(staff(*ACTORS), "actorinstance", "pause", *[actor.pk for actor in actors]))
    assert "It failed at tally/b: OperationalError." in text
    assert logged() == [("Pause", "tally/a")]


@only_postgresql
def test_nor_does_one_that_is_lost_between_two_transactions(staff_user, backend):
    def pause_and_be_cut_off(actors, by, done):
        done.targets.append(actors[0])
        end_my_session(backend)
        ActorInstance.objects.exists()

    [actor] = make("a")
    cut_off = replace(OPERATIONS[0], work=pause_and_be_cut_off)
    done = cut_off.carry_out([actor], Operator(staff_user(), backend))
    assert isinstance(done.failure, OperationalError)
    assert logged() == [("Pause", "tally/a")]


def end_my_session(alias):
    """As a restart of the server does, between two statements."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [mine] = cursor.fetchone()
    other = connections.create_connection(alias)
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [mine])
    other.close()


def test_each_target_of_a_purge_is_logged_with_its_own_number(staff, backend):
    actors = make("a", "b", "c")
    Tally.get("a").send_many("increment", [{"amount": 1}] * 2)
    Tally.get("b").send_many("increment", [{"amount": 1}] * 3)
    text = text_of(operate(staff(*ACTORS), "actorinstance", "purge", *[actor.pk for actor in actors]))
    assert "Deleted 5 messages." in text
    assert logged() == [
        ("Purge the mailbox: 2", "tally/a"),
        ("Purge the mailbox: 3", "tally/b"),
        ("Purge the mailbox: 0", "tally/c"),
    ]


def test_a_purge_that_fails_is_logged_with_what_is_gone(staff, backend):
    Tally.get_or_create("a").send_many("increment", [{"amount": 1}] * 2)
    Scribe.get_or_create("b").send("record", {"value": 1})
    with broken(backend, "actorqueues_message", "DELETE", "OLD.queue = 'record'"):
        places = ("tally/increment", "scribe/record", "tally/read")
        text = text_of(operate(staff(*OVERVIEW), "overview", "purge", *places))
    assert "Deleted 2 messages." in text
    assert "It failed at scribe/record: " in text
    assert logged() == [("Purge: 2", "tally/increment")]


def test_a_failure_before_anything_was_done_claims_nothing(staff, backend):
    [letter] = die()
    with broken(backend, "actorqueues_dead_letter", "DELETE", "OLD.queue = 'increment'"):
        text = text_of(operate(staff(*MESSAGES), "deadletter", "replay", letter.pk))
    assert f"It failed at increment {letter.uid.hex}: " in text
    assert "Replayed" not in text
    assert logged() == []


# What was confirmed


def test_only_what_was_shown_is_done_when_a_whole_list_is_confirmed(staff, backend):
    shown = [send(), send()]
    client = staff(*MESSAGES)
    action = {"action": "bury", "_selected_action": [shown[0].pk], "index": "0", "select_across": "1"}
    asked = client.post(page("message"), action)
    assert "Make dead letters of these 2 messages?" in text_of(asked)
    late = send()
    assert "2 messages are dead letters now." in text_of(confirm(client, asked))
    assert list(Message.objects.all()) == [late]


def test_a_list_of_a_thousand_is_confirmed_at_once(staff, backend):
    """Django refuses forms of more than a thousand fields."""
    letters = die(1_001)
    client = staff(*MESSAGES)
    action = {"action": "replay", "_selected_action": [letters[0].pk], "index": "0", "select_across": "1"}
    asked = client.post(page("deadletter"), action)
    assert "Replay these 1000 dead letters?" in text_of(asked)
    assert "Replayed 1000 dead letters." in text_of(confirm(client, asked))
    assert DeadLetter.objects.count() == 1


def test_the_way_back_from_a_list_keeps_its_filters(staff, backend):
    send()
    client = staff(*MESSAGES)
    of_type = f"{page('message')}?type=tally"
    action = {"action": "cancel", "_selected_action": [Message.objects.get().pk], "index": "0"}
    assert confirm(client, client.post(of_type, action), follow=False)["Location"] == of_type


def test_an_actor_that_was_made_anew_is_not_the_one_that_was_to_be_destroyed(staff, start_worker):
    make("a")
    client = staff(*ACTORS)
    asked = operate(client, "actorinstance", "destroy", actor_id_for("tally", "a"), confirmed=False)
    start_worker()
    Tally.get("a").destroy()
    eventually(lambda: ActorInstance.objects.filter(status=ActorStatus.DESTROYED).exists())
    Tally.create("a")
    assert "Tally/a: it is another one than the one you were asked about." in text_of(confirm(client, asked))
    assert ActorInstance.objects.get().status == ActorStatus.LIVE
    assert logged() == []
    assert "1 actor will be destroyed." in text_of(
        operate(client, "actorinstance", "destroy", actor_id_for("tally", "a"))
    )


def test_an_actor_that_is_made_anew_at_that_moment_is_left_alone_too(staff_user, backend):
    [seen] = make("a")
    ActorInstance.objects.update(generation=seen.generation + 1)
    [destroy] = [one for one in OPERATIONS if one.name == "destroy"]
    done = destroy.carry_out([seen], Operator(staff_user(), backend))
    assert (done.targets, list(done.refused.values())) == ([], [[seen]])
    assert ActorInstance.objects.get().status == ActorStatus.LIVE


def test_a_letter_that_died_once_more_is_another_one(staff, backend):
    [letter] = die()
    client = staff(*MESSAGES)
    asked = operate(client, "deadletter", "replay", letter.pk, confirmed=False)
    DeadLetter.objects.update(died_at=timezone.now())
    assert "it is another one than the one you were asked about." in text_of(confirm(client, asked))
    assert DeadLetter.objects.exists()


@pytest.mark.parametrize(
    ("model", "key"), [("actorinstance", actor_id_for("tally", "a")), ("overview", "tally/increment")]
)
def test_mail_that_came_after_the_question_is_not_purged(staff, backend, model, key):
    make("a")
    old = [send("a"), send("a", delay=60)]
    client = staff(*ACTORS, *OVERVIEW[:1])
    asked = operate(client, model, "purge", key, confirmed=False)
    late = [send("a"), send("a", delay=60)]
    assert f"Deleted {len(old)} messages." in text_of(confirm(client, asked))
    assert list(Message.objects.order_by("id")) == late
    forged = {"confirmed": json.dumps({str(key): "1" if model == "actorinstance" else ""})}
    for seen in ({}, {"seen": "x"}, {"seen": "9" * 30}):
        address = page(model, "operate", "purge")
        assert client.post(address, {**forged, **seen}).status_code == 404


def test_what_is_gone_meanwhile_is_counted(staff, backend):
    kept, lost = send(), send()
    client = staff(*MESSAGES)
    asked = operate(client, "message", "cancel", kept.pk, lost.pk, confirmed=False)
    Message.objects.filter(pk=lost.pk).delete()
    text = text_of(confirm(client, asked))
    assert "Cancelled 1 message." in text
    assert "1 is gone since you were asked." in text


@pytest.mark.parametrize("text", ["yes", "[]", '{"1": 1}', "[" * 10_000, '{"x": ""}'])
def test_a_confirmation_that_no_page_has_written_is_a_404(staff, backend, text):
    client = staff(*MESSAGES)
    assert client.post(page("message", "operate", "cancel"), {"confirmed": text}).status_code == 404


# The log and the history


@pytest.mark.parametrize("name", ["retry", "cancel", "bury"])
def test_the_log_leads_to_what_stays(name, staff, backend):
    message = retrying(send()) if name == "retry" else send()
    client = staff(*MESSAGES)
    operate(client, "message", name, message.pk)
    Message.objects.all().delete()
    entry = LogEntry.objects.get()
    assert entry.object_repr == f"increment {message.uid.hex} (tally/main)"
    ensure_row(message.actor_id)  # as its worker does
    seen = client.get(entry.get_admin_url())
    assert ("put aside" if name == "bury" else "tally/main") in text_of(seen)


def test_retry_now_and_wake_stand_in_the_history(staff, backend):
    message = retrying(send())
    client = staff(*MESSAGES, "change_actorinstance")
    operate(client, "message", "retry", message.pk)
    operate(client, "actorinstance", "wake", message.actor_id)
    entries = HistoryEntry.objects.order_by("id").values_list("kind", "queue", "message_uid", "user_id")
    assert list(entries) == [
        ("retried", "increment", message.uid, str(client.user.pk)),
        ("woken", "", None, str(client.user.pk)),
    ]
    text = text_of(client.get(page("actorinstance", "change", message.actor_id)))
    assert f"retried now increment by user {client.user.pk}" in text
    assert f"woken by user {client.user.pk}" in text


# Forgery, and what pages cost


def every_form(actor, message, letter):
    """The address of every view that does something."""
    yield from [
        page("actorinstance", "operate", one) for one in ("pause", "resume", "wake", "purge", "destroy")
    ]
    yield from [page("message", "operate", one) for one in ("retry", "cancel", "bury")]
    yield from [page("overview", "operate", one) for one in ("pause", "resume", "purge")]
    yield page("deadletter", "operate", "replay")
    yield page("overview", "doctor")
    yield page("actorinstance", "state", actor.pk)
    yield f"{page('message', 'add')}?type=tally&queue=increment&key=a"
    yield from [page(model) for model in ("actorinstance", "message", "deadletter")]


def test_no_form_works_without_its_token(staff_user, backend):
    [actor], message = make("a"), send("b")
    [letter] = die()
    ActorInstance.objects.filter(pk=actor.pk).update(initialised_at=timezone.now())
    everything = {*ACTORS, *MESSAGES, *OVERVIEW, "send_message", "view_payload"}
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff_user(*everything))
    for address in every_form(actor, message, letter):
        assert client.post(address).status_code == 403, address
    token = client.get(page("overview", "doctor")).cookies["csrftoken"].value
    for address in every_form(actor, message, letter):
        answer = client.post(address, headers={"X-CSRFToken": token})
        assert answer.status_code != 403, address


def test_sections_confirmations_and_small_pages_need_few_queries(staff, backend, few_queries):
    for number in range(60):
        Tally.create(number)
        send(str(number))
        Scribe.get_or_create(str(number)).send("record", {"value": 1}, delay=60)
    die(60)
    client = staff(*{*ACTORS, *MESSAGES, *OVERVIEW, "send_message", "view_payload"})
    actor, message = ActorInstance.objects.first(), Message.objects.first()
    for address in (
        page("actorinstance", "sections", actor.pk),
        page("message", "sections", message.uid),
        page("overview", "sections"),
        page("overview", "doctor"),
        page("overview", "settings"),
        page("deadletter", "change", DeadLetter.objects.first().pk),
        f"{page('message', 'add')}?type=tally&queue=increment&key=a",
    ):
        with few_queries():
            assert client.get(address).status_code == 200, address
    for model, name, rows in (
        ("actorinstance", "pause", ActorInstance),
        ("message", "bury", Message),
        ("deadletter", "replay", DeadLetter),
    ):
        keys = [str(row.pk) for row in rows.objects.all()[:60]]
        with few_queries():
            asked = operate(client, model, name, *keys, confirmed=False)
        assert "60" in text_of(asked)
        action = {"action": name, "_selected_action": keys[:1], "index": "0", "select_across": "1"}
        with few_queries():
            assert "aq-question" in client.post(page(model), action).content.decode()
    with few_queries():
        operate(client, "overview", "purge", "tally/increment", confirmed=False)


def test_an_operation_makes_few_queries_beside_the_deeds(staff, backend, few_queries):
    """The log of many is written at once."""
    letters = die(100)
    client = staff(*MESSAGES)
    asked = operate(client, "deadletter", "replay", *[letter.pk for letter in letters], confirmed=False)
    with few_queries(45):
        confirm(client, asked, follow=False)
    assert LogEntry.objects.count() == 100


def test_whose_session_has_ended_before_the_answer_is_told_that_nothing_was_done(staff, backend):
    Tally.create("a")
    client = staff("view_actorinstance", "change_actorinstance")
    asked = operate(client, "actorinstance", "pause", ActorInstance.objects.get().pk, confirmed=False)
    client.logout()
    answer = confirm(client, asked, follow=False)
    assert answer.url.startswith("/admin/login/?next=")
    answer = client.post(answer.url, {"username": client.user.username, "password": "secret"}, follow=True)
    assert "Paused 0 actors." in text_of(answer)
    assert answer.redirect_chain[-1][0] == page("actorinstance")
    assert ActorInstance.objects.get().paused_at is None
