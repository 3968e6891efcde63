import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from actorqueues.admin import dead_letters, inspector, replaying, windows
from actorqueues.definitions.keys import actor_id_for
from actorqueues.definitions.registry import registry
from actorqueues.models import ActorInstance, DeadLetter, HistoryEntry, Message
from actorqueues.storage.actors import create_actor
from tests.admin.pages import confirm, operate, page, text_of
from tests.fixtures.workers import eventually
from tests.playground.actors import Scribe, Tally

VIEW = ("view_deadletter", "view_message", "view_actorinstance")
CHANGE = (*VIEW, "change_deadletter")
TRACEBACK = (
    'Traceback (most recent call last):\n  File "shop.py", line 1, in pay\n    charge()\nCardError: declined'
)


def die(key="main", type_name="tally", queue="increment", reason="exhausted", ago=0, **fields):
    """A dead letter of an actor that has a row."""
    actor_id = actor_id_for(type_name, key)
    create_actor(actor_id, type_name, key, input=None, using=DeadLetter.objects.db)
    now = timezone.now() - timedelta(minutes=ago)
    given = {
        "body": '{"amount": 1}',
        "error": TRACEBACK,
        "failures": 3,
        "sequence": DeadLetter.objects.count() + 1,
    }
    return DeadLetter.objects.create(
        uid=uuid4(),
        actor_id=actor_id,
        queue=queue,
        reason=reason,
        enqueued_at=now,
        died_at=now,
        **(given | fields),
    )


def listed(client, **query):
    changes = client.get(page("deadletter"), query).context["cl"]
    return [letter.uid for letter in changes.result_list], changes.notes


def shown(client, letter):
    return client.get(page("deadletter", "change", letter.pk))


def test_the_list_begins_with_the_newest_and_says_why_each_died(staff, backend):
    old, new = die("a", ago=9), die("b")
    rejected = die("c", reason="rejected", error="Bad address\nsecond line", failures=0, ago=5)
    client = staff(*VIEW)
    assert listed(client)[0] == [new.uid, rejected.uid, old.uid]
    text = text_of(client.get(page("deadletter")))
    assert "tally/b increment failed too often 3" in text
    assert "CardError: declined" in text
    assert "tally/c increment rejected by its handler 0" in text
    assert "Bad address" in text
    assert "second line" not in text


def test_long_errors_are_read_in_part(staff, backend, few_queries):
    die(error="Traceback (most recent call last):\n" + "  File x\n" * 100_000 + "CardError: declined")
    die(error="plain " * 100_000)
    client = staff(*VIEW)
    with few_queries():
        response = client.get(page("deadletter"))
    assert "CardError: declined" in text_of(response)
    assert len(response.content) < 40_000
    assert all(
        {"body", "meta", "error"} <= one.get_deferred_fields() for one in response.context["cl"].result_list
    )


def test_filters_and_search_find_letters(staff, backend):
    a, b = die("a"), die("b", type_name="scribe", queue="doze", reason="crashed", ago=1)
    client = staff(*VIEW)
    note = "Only the newest 10,000 dead letters are looked at."
    for query in ({"type": "scribe"}, {"queue": "doze"}, {"reason": "crashed"}):
        assert listed(client, **query) == ([b.uid], [note])
    assert listed(client, q=a.uid.hex) == ([a.uid], [])
    assert listed(client, q="scribe/b") == ([b.uid], [])
    assert listed(client, q="nonsense") == ([], ["Search for a message's id, or for the actor: type/key."])


@pytest.mark.parametrize("name", ["q", "type", "queue", "reason"])
def test_what_no_database_takes_is_no_error(name, staff, backend):
    die()
    assert staff(*VIEW).get(page("deadletter"), {name: "x\0"}, follow=True).status_code == 200


def test_filters_look_at_the_newest(staff, backend, monkeypatch):
    monkeypatch.setattr(windows, "NEWEST", 2)
    monkeypatch.setattr(dead_letters, "NEWEST", 2)
    old = die(ago=9)
    newer = [die(ago=ago).uid for ago in (1, 2)]
    client = staff(*VIEW)
    assert listed(client, type="tally") == (newer, ["Only the newest 2 dead letters are looked at."])
    assert old.uid in listed(client)[0]


def test_a_letter_is_shown_whole(staff, backend):
    letter = die(
        meta=json.dumps({"headers": {"X-Trace": "t1"}, "params": {"token": "s3cret"}}), crashes=1, user_id="7"
    )
    text = text_of(shown(staff(*VIEW, "view_payload"), letter))
    for part in (
        "CardError: declined",
        "amount 1",
        "X-Trace t1",
        "4 (3 failures, 1 crash)",
        "User 7",
        "tally/main",
    ):
        assert part in text
    assert "s3cret" not in text
    hidden = text_of(shown(staff(*VIEW, name="bob"), letter))
    assert "amount" not in hidden
    assert "You may not see payloads" in hidden


def test_what_comes_from_outside_is_escaped_and_cut(staff, backend):
    script = "<script>x"
    letter = die(
        script, body=json.dumps({script: script + "b" * 1_000_000}), error=script + "e" * 1_000_000 + script
    )
    client = staff(*VIEW, "view_payload")
    for html in (shown(client, letter).content.decode(), client.get(page("deadletter")).content.decode()):
        assert "<script>x" not in html
        assert "&lt;script&gt;x" in html
        assert len(html) < 80_000


def test_a_type_without_code_is_listed_and_shown(staff, backend):
    letter, client = die(), staff(*VIEW)
    registry.unregister(Tally)
    assert listed(client, type="tally")[0] == [letter.uid]
    assert "tally/main" in text_of(shown(client, letter))


def test_a_letter_that_is_gone_leads_to_its_message(staff, backend):
    letter = die()
    DeadLetter.objects.all().delete()
    client = staff(*VIEW)
    assert shown(client, letter).url == page("message", "change", letter.uid.hex)
    assert client.get(page("deadletter", "change", "x")).url == page("deadletter")
    alone = staff("view_deadletter", name="bob")
    assert shown(alone, letter).url == page("deadletter")


def test_pages_are_for_those_who_may_view_dead_letters(staff, backend):
    letter, client = die(), staff("view_message", "view_payload")
    assert client.get(page("deadletter")).status_code == 403
    assert shown(client, letter).status_code == 403


def test_without_its_permission_there_is_no_replay(staff, backend):
    letter, client = die(), staff(*VIEW)
    address = page("deadletter", "operate", "replay")
    assert address not in shown(client, letter).content.decode()
    assert '<option value="replay"' not in client.get(page("deadletter")).content.decode()
    assert operate(client, "deadletter", "replay", letter.pk).status_code == 403
    assert DeadLetter.objects.count() == 1
    assert address in shown(staff(*CHANGE, name="bob"), letter).content.decode()


def test_a_replay_is_confirmed_done_logged_and_written_into_the_history(staff, backend):
    letter, client = die(), staff(*CHANGE)
    here = page("deadletter", "change", letter.pk)
    asked = text_of(operate(client, "deadletter", "replay", letter.pk, confirmed=False))
    assert "Replay this dead letter?" in asked
    assert DeadLetter.objects.count() == 1
    text = text_of(operate(client, "deadletter", "replay", letter.pk, next=here))
    assert "Replayed 1 dead letter." in text
    assert f"Message {letter.uid.hex}" in text  # the way back leads on to where it is now
    assert Message.objects.get().uid == letter.uid
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id, entry.change_message) == (
        client.user.pk,
        str(letter.pk),
        "Replay",
    )
    assert HistoryEntry.objects.get(kind="replayed").user_id == str(client.user.pk)


def test_a_whole_list_is_replayed_in_order(staff, backend, monkeypatch):
    monkeypatch.setattr(replaying, "CHUNK", 2)
    monkeypatch.setattr(inspector, "MOST_TARGETS", 4)
    letters = [die("a", ago=9 - number) for number in range(5)]
    client = staff(*CHANGE)
    action = {"action": "replay", "_selected_action": [letters[0].pk], "index": "0", "select_across": "1"}
    asked = client.post(page("deadletter"), action)
    assert "Replay these 4 dead letters?" in text_of(asked)
    assert "These are only the first 4 of the list." in text_of(asked)
    assert "Replayed 4 dead letters." in text_of(confirm(client, asked))
    replayed = list(Message.objects.order_by("id").values_list("uid", flat=True))
    assert replayed == [letter.uid for letter in letters[1:]]
    assert LogEntry.objects.count() == 4


def test_what_cannot_be_replayed_is_said(staff, backend):
    here, lost = die("a"), die("b")
    ActorInstance.objects.filter(key="b").delete()
    text = text_of(operate(staff(*CHANGE), "deadletter", "replay", here.pk, lost.pk))
    assert "Replayed 1 dead letter." in text
    assert f"Increment {lost.uid.hex}: it was replayed already, or its actor is gone." in text


def test_who_is_out_of_time_says_what_is_left(staff, backend, monkeypatch):
    monkeypatch.setattr(replaying, "PATIENCE", -1)
    letters = [die("a") for _ in range(2)]
    text = text_of(operate(staff(*CHANGE), "deadletter", "replay", *[letter.pk for letter in letters]))
    assert "2 are left; do it again for those." in text
    assert DeadLetter.objects.count() == 2


@pytest.mark.parametrize("actor", [Scribe])
def test_what_a_handler_rejected_is_here_and_can_be_tried_again(actor, staff, backend, start_worker):
    start_worker()
    actor.get_or_create("a").send("reject", {"note": "not today"})
    letter = eventually(DeadLetter.objects.first)
    client = staff(*CHANGE)
    assert "not today" in text_of(shown(client, letter))
    operate(client, "deadletter", "replay", letter.pk)
    again = eventually(lambda: DeadLetter.objects.exclude(died_at=letter.died_at).first())
    assert again.uid == letter.uid
