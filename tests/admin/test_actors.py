import json
from datetime import timedelta
from itertools import product

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from actorqueues.admin import windows
from actorqueues.definitions.keys import actor_id_for, encode_key, normalise_key
from actorqueues.diagnosis import conditions
from actorqueues.diagnosis.conditions import Condition
from actorqueues.diagnosis.mailboxes import known_queues
from actorqueues.models import ActorInstance, ActorStatus, HistoryEntry, Message, Wake
from actorqueues.storage.pausing import pause_type
from tests.admin.pages import confirm, operate, page, text_of
from tests.fixtures.workers import PATIENCE, eventually
from tests.playground.actors import Scribe, Tally

VIEW = "view_actorinstance"
LATER = timedelta(hours=1)
CHANGE = (VIEW, "change_actorinstance", "view_payload")


def make(key, actor=Tally, **fields):
    """An actor with a row, asleep."""
    actor.create(key)
    stored = encode_key(normalise_key(key))
    row = ActorInstance.objects.get(id=actor_id_for(actor.type_name, stored))
    Wake.objects.filter(actor_id=row.id).delete()
    ActorInstance.objects.filter(id=row.id).update(**fields)
    row.refresh_from_db()
    return row


def make_used(key, **fields):
    """One that has had its first message, and so a state."""
    return make(key, initialised_at=timezone.now(), **fields)


def in_list(staff, **query):
    """The addresses in the list."""
    found = staff.get(page("actorinstance"), query).context["cl"].result_list
    return [str(actor) for actor in found]


# The list


def test_the_list_tells_status_depth_and_last_activity(staff, backend):
    make("asleep", active_at=timezone.now())
    make("paused", paused_at=timezone.now())
    make("stale", status=ActorStatus.HELD, held_reason="Traceback\n  x\nValueError: no")
    make("awake", worker_id=actor_id_for("a", "worker"))
    Tally.get("asleep").send("increment", {"amount": 1})
    response = staff(VIEW).get(page("actorinstance"))
    rows = {actor.key: actor for actor in response.context["cl"].result_list}
    conditions = {key: row.standing.condition.value for key, row in rows.items()}
    assert conditions == {"asleep": "asleep", "paused": "paused", "stale": "stale", "awake": "awake"}
    assert rows["asleep"].standing.depth == 1
    assert rows["paused"].standing.depth == 0
    assert "tally/asleep asleep 1 " in text_of(response)
    assert "tally/awake awake 0 now" in text_of(response)


def back_off(*actors, until=LATER):
    """The first message of each failed. Its actor sleeps until the next try."""
    for actor in actors:
        Tally.get(actor.key).send("increment", {"amount": 1})
        Message.objects.filter(actor_id=actor.id).update(retry_at=timezone.now() + until, failures=3)
        ActorInstance.objects.filter(id=actor.id).update(wake_at=timezone.now() + until)


def test_a_status_is_found_by_its_filter_and_shown_by_its_badge_alike(staff, backend):
    """Every way to be awake, paused, held, destroyed, without code and in backoff, together."""
    soon, worker, paused = timezone.now() + LATER, actor_id_for("a", "worker"), timezone.now()
    several = product(ActorStatus.values, (None, worker), (None, paused), (None, soon), (Tally, Scribe))
    for number, (status, worker_id, paused_at, wake_at, actor) in enumerate(several):
        fields = {"status": status, "worker_id": worker_id, "paused_at": paused_at, "wake_at": wake_at}
        row = make(number, actor=actor, **fields)
        if number % 4 == 3:
            ActorInstance.objects.filter(id=row.id).update(type="nobodys")
    for key, times in {"failed": {"wake_at": soon}, "due": {"wake_at": timezone.now()}}.items():
        back_off(make(key))
        ActorInstance.objects.filter(key=key).update(**times)
    pause_type("scribe", using=backend)
    client = staff(VIEW)
    rows = client.get(page("actorinstance"), {"all": ""}).context["cl"].result_list
    rows += client.get(page("actorinstance"), {"status": "destroyed"}).context["cl"].result_list
    badges = {status: [] for status in Condition.values}
    for row in rows:
        badges[row.standing.condition.value].append(str(row))
    assert {status: in_list(client, status=status) for status in badges} == badges
    assert all(badges.values())
    assert badges["backing-off"] == ["tally/failed"]
    assert "tally/due" in badges["asleep"]


def test_a_status_that_there_is_not_has_no_actors(staff, backend):
    make("asleep")
    assert in_list(staff(VIEW), status="nonsense") == []


def test_a_type_without_code_is_found_by_its_name(staff, backend):
    make("asleep"), make("strange", actor=Scribe)
    ActorInstance.objects.filter(key="strange").update(type="nobodys")
    assert in_list(staff(VIEW), type="nobodys") == ["nobodys/strange"]


def test_a_paused_type_is_seen_in_its_actors(staff, backend):
    make("a")
    pause_type("tally", using=backend)
    client = staff(VIEW)
    assert in_list(client, status="paused") == ["tally/a"]
    assert "tally/a paused" in text_of(client.get(page("actorinstance")))


def test_keys_are_searched_by_a_part_or_by_the_whole_address(staff, backend):
    make(("7", "cart"))
    make("7", actor=Scribe)
    client = staff(VIEW)
    assert in_list(client, q="cart") == ["tally/7/cart"]
    assert in_list(client, q="tally/7/cart") == ["tally/7/cart"]
    assert in_list(client, q="7") == ["scribe/7", "tally/7/cart"]
    if backend == "postgresql":  # SQLite's LIKE looks at no case
        assert in_list(client, q="CART") == []


def notes_of(client, **query):
    return client.get(page("actorinstance"), query).context["cl"].notes


def test_what_the_filters_of_sleeping_actors_left_out_is_said(staff, backend, monkeypatch):
    for key, hours in {"a": 1, "b": 2, "c": 3}.items():
        back_off(make(key), until=hours * LATER)
    make("later", wake_at=timezone.now() + 4 * LATER)
    make("now")
    client = staff(VIEW)
    assert notes_of(client, status="backing-off") == notes_of(client, status="asleep") == []
    assert in_list(client, status="asleep") == ["tally/later", "tally/now"]
    monkeypatch.setattr(conditions, "MOST_PLACES", 2)
    looked = "Looked for in the 2 sleeping actors that wake next."
    assert notes_of(client, status="backing-off") == [looked]
    assert in_list(client, status="backing-off") == ["tally/a", "tally/b"]
    assert in_list(client, status="asleep") == ["tally/now"]
    assert notes_of(client, status="asleep") == [
        looked, "Of those that wake later it is not known whether they back off: they are not listed.",
    ]  # fmt: skip


def test_queues_are_bounded_not_actors(staff, backend, monkeypatch):
    """An actor with many queues is as much work as many actors with one."""
    queues = len(known_queues("scribe"))
    assert queues > 5
    for number in range(4):
        make(number, actor=Scribe, wake_at=timezone.now() + LATER)
    monkeypatch.setattr(conditions, "MOST_PLACES", 3 * queues - 1)
    assert notes_of(staff(VIEW), status="backing-off") == [
        "Looked for in the 2 sleeping actors that wake next."
    ]


def test_a_number_that_is_not_exact_says_so(staff, backend, monkeypatch):
    make("a"), make("b"), make("c")
    client = staff(VIEW)
    assert notes_of(client) == []
    monkeypatch.setattr(windows, "COUNTED", 2)
    assert notes_of(client) == ["There are more than 2. The list ends there."]


def test_the_list_leaves_out_what_it_does_not_show(staff, backend):
    make("a", state='{"value": 1}')
    actors = staff(VIEW).get(page("actorinstance")).context["cl"].result_list
    assert [actor.get_deferred_fields() for actor in actors] == [{"state", "input", "held_reason"}]


# One actor


def test_an_actor_shows_state_mailbox_events_and_past(staff, start_worker):
    start_worker()
    tally = Tally.get_or_create("one")
    tally.ask("increment", {"amount": 4}, timeout=20)
    tally.pause()
    tally.send("increment", {"amount": 5}, delay=3600)
    tally.send("increment", {"amount": 6})
    actor = ActorInstance.objects.get(key="one")
    seen = text_of(staff(VIEW, "view_payload").get(page("actorinstance", "change", actor.pk)))
    for words in ("tally/one", "value 4", "increment ready", "increment scheduled for", "paused"):
        assert words in seen, words


def test_mail_for_an_actor_that_nobody_has_claimed_is_seen(staff, backend):
    Tally.get_or_create("new").send("increment", {"amount": 1})
    seen = text_of(staff(VIEW).get(page("actorinstance", "change", actor_id_for("tally", "new"))))
    assert "tally/new" in seen
    assert "no worker has taken its first message" in seen


def test_an_actor_that_is_not_there_is_a_404(staff, backend):
    client = staff(VIEW)
    assert client.get(page("actorinstance", "change", actor_id_for("tally", "x"))).status_code == 404
    assert client.get(page("actorinstance", "change", "x")).status_code == 404


def test_without_the_permission_no_payload_leaves_the_server(staff, backend):
    actor = make("a", state='{"value": 424242}')
    client = staff(VIEW)
    for name in ("change", "sections"):
        answer = client.get(page("actorinstance", name, actor.pk)).content.decode()
        assert "424242" not in answer
        assert "You may not see payloads" in answer


def test_nothing_is_shown_to_who_may_not_see_actors(staff, backend):
    actor = make("a")
    client = staff("view_message")
    for address in (
        page("actorinstance"),
        page("actorinstance", "change", actor.pk),
        page("actorinstance", "sections", actor.pk),
        page("actorinstance", "state", actor.pk),
    ):
        assert client.get(address).status_code == 403, address


def test_the_sections_are_the_page_s_own(staff, backend):
    actor = make("a", state='{"value": 3}')
    client = staff(VIEW, "view_payload")
    whole = client.get(page("actorinstance", "change", actor.pk)).content.decode()
    sections = client.get(page("actorinstance", "sections", actor.pk)).json()["sections"]
    assert sorted(sections) == ["events", "facts", "history", "mailbox", "operations", "state"]
    assert all(f'data-section="{name}"' in whole for name in sections)
    assert sections["facts"].strip() in whole


def test_hostile_text_stays_text(staff, backend):
    evil = "<script>alert(1)</script>"
    actor = make(evil, state=json.dumps({"value": 1, evil: evil}), status=ActorStatus.HELD, held_reason=evil)
    HistoryEntry.objects.create(actor_id=actor.id, kind="failed", note=evil, happened_at=timezone.now())
    client = staff(*CHANGE, "delete_actorinstance")
    for answer in (
        client.get(page("actorinstance")),
        client.get(page("actorinstance", "change", actor.pk)),
        operate(client, "actorinstance", "destroy", actor.pk, confirmed=False),
        operate(client, "actorinstance", "destroy", actor.pk),
    ):
        assert answer.status_code == 200
        assert evil not in answer.content.decode()


@pytest.mark.parametrize("permissions", [(VIEW,), (*CHANGE, "delete_actorinstance", "send_message")])
def test_pages_need_few_queries(staff, backend, few_queries, permissions):
    for number in range(120):
        make(number)
        Tally.get(str(number)).send("increment", {"amount": 1})
    client = staff(*permissions)
    actor = ActorInstance.objects.first()
    for address in (page("actorinstance"), page("actorinstance", "change", actor.pk)):
        with few_queries():
            assert client.get(address).status_code == 200


def test_many_queues_make_no_more_queries(staff, backend, few_queries):
    actor = make("a")
    for number in range(40):
        Tally.get("a").send("increment", {"amount": 1})
        Message.objects.filter(queue="increment").update(queue=f"q{number:02}")
    client = staff(VIEW, "view_message")
    with few_queries():
        whole = text_of(client.get(page("actorinstance", "change", actor.pk)))
    assert "q00 ready" in whole
    assert "q39 ready" in whole


def test_a_retry_whose_time_has_come_is_ready(staff, backend):
    actor = make("a")
    back_off(actor)
    client, address = staff(VIEW), page("actorinstance", "change", actor.pk)
    assert "increment retrying at" in text_of(client.get(address))
    Message.objects.update(retry_at=timezone.now() - LATER)
    assert "increment ready" in text_of(client.get(address))


# Operations


def test_an_actor_is_paused_and_resumed(staff, backend):
    actor = make("a")
    client = staff(VIEW, "change_actorinstance")
    assert "Pause this actor?" in text_of(
        operate(client, "actorinstance", "pause", actor.pk, confirmed=False)
    )
    actor.refresh_from_db()
    assert actor.paused_at is None  # it was only asked
    assert "Paused 1 actor." in text_of(operate(client, "actorinstance", "pause", actor.pk))
    actor.refresh_from_db()
    assert actor.paused_at is not None
    assert "it is paused already" in text_of(operate(client, "actorinstance", "pause", actor.pk))
    assert "Resumed 1 actor." in text_of(operate(client, "actorinstance", "resume", actor.pk))
    actor.refresh_from_db()
    assert actor.paused_at is None
    entries = HistoryEntry.objects.order_by("id").values_list("kind", "user_id")
    assert list(entries) == [("paused", str(client.user.pk)), ("resumed", str(client.user.pk))]
    logged = LogEntry.objects.order_by("id").values_list("change_message", "object_repr", "user_id")
    assert list(logged) == [("Pause", "tally/a", client.user.pk), ("Resume", "tally/a", client.user.pk)]


def test_operations_run_outside_the_request_s_transaction(staff, backend):
    """Purging a thousand mailboxes in one would lock a thousand actors until its end."""
    make("a"), make("b")
    client, actors = staff(*CHANGE), ActorInstance.objects.values_list("pk", flat=True)
    values = {"action": "pause", "_selected_action": [str(pk) for pk in actors]}
    asked = client.post(page("actorinstance"), values)
    for alias in ("default", "postgresql"):
        connections.settings[alias]["ATOMIC_REQUESTS"] = True
    try:
        with CaptureQueriesContext(connections[backend]) as seen:
            confirm(client, asked, follow=False)
    finally:
        for alias in ("default", "postgresql"):
            connections.settings[alias]["ATOMIC_REQUESTS"] = False
    assert ActorInstance.objects.exclude(paused_at=None).count() == 2
    assert [one["sql"] for one in seen if one["sql"].startswith("SAVEPOINT")] == []


def test_several_are_paused_from_the_list(staff, backend):
    actors = [make(key) for key in "abc"]
    client = staff(VIEW, "change_actorinstance")
    chosen = {"action": "pause", "_selected_action": [actor.pk for actor in actors[:2]]}
    asked = client.post(page("actorinstance"), chosen)
    assert "Pause these 2 actors?" in text_of(asked)
    assert "Paused 2 actors." in text_of(confirm(client, asked))
    assert set(ActorInstance.objects.filter(paused_at__isnull=False)) == set(actors[:2])
    assert LogEntry.objects.count() == 2


def test_a_woken_actor_is_loaded_by_a_worker(staff, start_worker):
    actor = make("a")
    answer = operate(staff(VIEW, "change_actorinstance"), "actorinstance", "wake", actor.pk)
    assert "Woke 1 actor." in text_of(answer)
    start_worker()
    eventually(lambda: ActorInstance.objects.get(pk=actor.pk).initialised_at)


def test_destroying_is_marked_and_a_worker_does_it(staff, start_worker):
    actor = make("a")
    Tally.get("a").send("increment", {"amount": 1})
    client = staff(VIEW, "delete_actorinstance")
    asked = text_of(operate(client, "actorinstance", "destroy", actor.pk, confirmed=False))
    assert "This cannot be undone" in asked
    assert "1 actor will be destroyed." in text_of(operate(client, "actorinstance", "destroy", actor.pk))
    start_worker()
    eventually(lambda: ActorInstance.objects.get(pk=actor.pk).status == ActorStatus.DESTROYED)
    assert "it is destroyed" in text_of(operate(client, "actorinstance", "destroy", actor.pk))


def test_a_mailbox_is_purged(staff, backend):
    actor = make("a", actor=Scribe)
    scribe = Scribe.get("a")
    scribe.send_many("record", [{"value": 1}] * 3)
    scribe.send("doze", {"value": 2}, delay=3600)
    Scribe.get_or_create("b").send("record", {"value": 1})
    client = staff(VIEW, "delete_message")
    asked = text_of(operate(client, "actorinstance", "purge", actor.pk, confirmed=False))
    assert "Delete all mail of this actor?" in asked
    assert Message.objects.count() == 5
    assert "Deleted 4 messages." in text_of(operate(client, "actorinstance", "purge", actor.pk))
    assert Message.objects.get().actor_id != actor.pk
    assert LogEntry.objects.get().change_message == "Purge the mailbox: 4"


def test_an_actor_without_a_row_can_be_paused(staff, backend):
    Tally.get_or_create("new").send("increment", {"amount": 1})
    actor_id = actor_id_for("tally", "new")
    operate(staff(VIEW, "change_actorinstance"), "actorinstance", "pause", actor_id)
    assert ActorInstance.objects.get(pk=actor_id).paused_at


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("pause", "change_actorinstance"),
        ("resume", "change_actorinstance"),
        ("wake", "change_actorinstance"),
        ("destroy", "delete_actorinstance"),
        ("purge", "delete_message"),
    ],
)
def test_each_operation_has_its_permission(staff, backend, name, needed):
    actor = make("a", paused_at=timezone.now() if name == "resume" else None)
    everything = {
        "change_actorinstance", "delete_actorinstance", "delete_message", "send_message", "view_payload",
    }  # fmt: skip
    client = staff(VIEW, *everything - {needed})
    whole = client.get(page("actorinstance", "change", actor.pk)).content.decode()
    assert page("actorinstance", "operate", name) not in whole
    assert operate(client, "actorinstance", name, actor.pk).status_code == 403
    before = ActorInstance.objects.values().get(pk=actor.pk)
    confirm(client, client.post(page("actorinstance"), {"action": name, "_selected_action": [actor.pk]}))
    forged = {"confirmed": json.dumps({str(actor.pk): "1"})}
    assert client.post(page("actorinstance", "operate", name), forged).status_code == 403
    assert ActorInstance.objects.values().get(pk=actor.pk) == before


def test_only_a_post_does_something(staff, backend):
    actor = make("a")
    address = page("actorinstance", "operate", "pause")
    given = {"_selected_action": actor.pk, "confirmed": json.dumps({str(actor.pk): "1"})}
    assert staff(*CHANGE).get(address, given).url == page("actorinstance")
    assert ActorInstance.objects.get().paused_at is None
    assert operate(staff(*CHANGE, name="bob"), "actorinstance", "explode", 1).status_code == 404


def test_the_way_back_leads_to_this_site_only(staff, backend):
    actor = make("a")
    client = staff(*CHANGE)
    answer = operate(client, "actorinstance", "pause", actor.pk, follow=False, next="https://evil.example/")
    assert answer["Location"] == page("actorinstance")
    here = page("actorinstance", "change", actor.pk)
    assert operate(client, "actorinstance", "resume", actor.pk, follow=False, next=here)["Location"] == here


# Editing state


def test_the_state_of_a_sleeping_actor_is_edited(staff, backend):
    actor = make_used("a", state='{"value":3}')
    client = staff(*CHANGE)
    address = page("actorinstance", "state", actor.pk)
    assert address in client.get(page("actorinstance", "change", actor.pk)).content.decode()
    form = client.get(address).context["form"]
    answer = client.post(address, {"state": '{"value": 40}', "epoch": form.initial["epoch"]}, follow=True)
    assert "The state is stored." in text_of(answer)
    assert Tally.get("a").get_state().value == 40
    assert HistoryEntry.objects.get().kind == "edited"
    assert LogEntry.objects.get().object_repr == "tally/a"


def test_a_state_that_is_not_made_yet_cannot_be_edited(staff, backend):
    actor = make("a")
    client = staff(*CHANGE)
    assert client.get(page("actorinstance", "state", actor.pk)).status_code == 403
    assert "/state/" not in client.get(page("actorinstance", "change", actor.pk)).content.decode()


def test_a_worker_goes_on_from_an_edited_state(staff, backend, start_worker):
    tally = Tally.get_or_create("a")
    worker = start_worker()
    tally.ask(Tally.increment, {"amount": 1}, timeout=PATIENCE)
    worker.stop()
    actor = ActorInstance.objects.get()
    form = {"state": '{"value": 40}', "epoch": actor.epoch}
    answer = staff(*CHANGE).post(page("actorinstance", "state", actor.pk), form, follow=True)
    assert "The state is stored." in text_of(answer)
    start_worker()
    assert tally.ask(Tally.increment, {"amount": 1}, timeout=PATIENCE).value == 41


def test_a_field_that_the_schema_does_not_know_is_not_dropped_unseen(staff, backend):
    actor = make_used("a", state='{"value":3}')
    form = {"state": '{"vlaue": 40}', "epoch": actor.epoch}
    answer = staff(*CHANGE).post(page("actorinstance", "state", actor.pk), form)
    assert "vlaue" in str(answer.context["form"].errors["state"])
    assert Tally.get("a").get_state().value == 3


@pytest.mark.parametrize("text", ['{"value": "x"}', "{", "[]", '{"value": NaN}'])
def test_a_state_that_does_not_fit_is_refused_next_to_the_field(staff, backend, text):
    actor = make_used("a", state='{"value":3}')
    answer = staff(*CHANGE).post(
        page("actorinstance", "state", actor.pk), {"state": text, "epoch": actor.epoch}
    )
    assert answer.context["form"].errors["state"]
    assert Tally.get("a").get_state().value == 3


def test_an_edit_does_not_overwrite_what_has_happened_meanwhile(staff, backend):
    actor = make_used("a", state='{"value":3}')
    client, address = staff(*CHANGE), page("actorinstance", "state", actor.pk)
    answer = client.post(address, {"state": '{"value": 4}', "epoch": actor.epoch - 1})
    assert "The actor has worked meanwhile" in text_of(answer)
    assert Tally.get("a").get_state().value == 3


def test_an_actor_that_is_awake_cannot_be_edited(staff, backend):
    actor = make_used("a", worker_id=actor_id_for("a", "worker"))
    client = staff(*CHANGE)
    assert client.get(page("actorinstance", "state", actor.pk)).status_code == 403
    assert "/state/" not in client.get(page("actorinstance", "change", actor.pk)).content.decode()


@pytest.mark.parametrize("permissions", [(VIEW, "view_payload"), (VIEW, "change_actorinstance")])
def test_editing_needs_both_permissions(staff, backend, permissions):
    actor = make_used("a")
    assert staff(*permissions).get(page("actorinstance", "state", actor.pk)).status_code == 403


def test_a_state_of_which_something_is_hidden_cannot_be_edited(staff, backend):
    actor = make_used("a", actor=Scribe, state='{"values": [], "password": "hunter2"}')
    client, address = staff(*CHANGE), page("actorinstance", "state", actor.pk)
    assert "hunter2" not in client.get(address).content.decode()
    client.post(address, {"state": "{}", "epoch": actor.epoch})
    assert "hunter2" in ActorInstance.objects.get(pk=actor.pk).state
