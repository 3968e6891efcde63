import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from actorqueues.admin import purging
from actorqueues.diagnosis import snapshot
from actorqueues.models import ActorInstance, DeadLetter, Message, Pause, Statistic, Worker
from actorqueues.storage import purging as storage_purging
from tests.admin.pages import operate, page, text_of
from tests.fixtures.workers import eventually
from tests.playground.actors import Scribe, Tally

VIEW = "view_overview"


def row_of(response, queue):
    return next(row for row in response.context["queues"] if str(row.place) == queue)


def test_an_empty_project_has_an_overview(staff, backend):
    seen = text_of(staff(VIEW).get(page("overview")))
    assert "Messages waiting 0" in seen
    assert "Oldest waiting message none" in seen
    assert "No worker runs. Start one with manage.py runactors." in seen
    assert "There are none." in seen


def test_it_shows_what_waits_where(staff, backend):
    Tally.get_or_create("a").send_many("increment", [{"amount": 1}] * 3)
    Scribe.get_or_create("b").send("record", {"value": 1}, delay=3600)
    response = staff(VIEW).get(page("overview"))
    tally, scribe = row_of(response, "tally/increment"), row_of(response, "scribe/record")
    assert (tally.depth.waiting, tally.depth.scheduled, tally.depth.is_estimate) == (3, 0, False)
    assert (scribe.depth.waiting, scribe.depth.scheduled) == (0, 1)
    assert "Messages waiting 3 and 1 scheduled" in text_of(response)
    assert "tally, increment" in text_of(response)  # the oldest one


def test_mail_without_code_is_told_apart(staff, backend):
    Tally.get_or_create("a").send("increment", {"amount": 1})
    Message.objects.update(queue="forgotten")
    assert not row_of(staff(VIEW).get(page("overview")), "tally/forgotten").has_code


def test_it_shows_workers_at_work(staff, start_worker):
    worker = start_worker()
    Scribe.get_or_create("b").send("doze", {"seconds": 60})
    eventually(lambda: Message.objects.filter(started_at__isnull=False).exists())
    seen = text_of(staff(VIEW).get(page("overview")))
    assert "Actors at work 1" in seen
    assert "Workers 1" in seen
    assert f"{Worker.objects.get()} alive" in seen
    worker.stop()


def test_a_number_of_actors_at_work_that_may_be_higher_says_so(staff, backend, monkeypatch):
    for key in "abc":
        Tally.create(key)
        Tally.get(key).send("increment", {"amount": 1})
    Message.objects.update(started_at=timezone.now())
    ActorInstance.objects.update(worker_id=uuid4())
    client = staff(VIEW)
    assert "Actors at work 3 " in text_of(client.get(page("overview")))
    monkeypatch.setattr(snapshot, "AWAKE_PLACES", 2)
    assert "Actors at work 2+ " in text_of(client.get(page("overview")))


def test_what_waits_behind_a_message_in_flight_counts_as_waiting(staff, start_worker):
    worker = start_worker()
    Scribe.get_or_create("b").send("doze", {"seconds": 60})
    eventually(lambda: Message.objects.filter(started_at__isnull=False).exists())
    Scribe.get_or_create("b").send("doze", {"seconds": 1})
    seen = text_of(staff(VIEW).get(page("overview")))
    assert "Oldest waiting message none" not in seen
    assert "scribe, doze" in seen
    worker.stop()


def test_charts_and_tables_show_the_same_numbers(staff, backend):
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=5)
    latencies = json.dumps([0, 0, 40] + [0] * 18)
    for failed in (1, 2):  # two workers
        Statistic.objects.create(
            type="tally", queue="increment", began_at=minute, sent=20, settled=20, failed=failed, dead=1,
            latencies=latencies,
        )  # fmt: skip
    response = staff(VIEW).get(page("overview"))
    hour, latency = response.context["charts"][:2]
    drawn = json.loads(hour.data)
    place = drawn["x"].index(int(minute.timestamp()))
    numbers = {line["role"]: line["values"][place] for line in drawn["series"]}
    assert numbers == {"settled": 40, "sent": 40, "failed": 3, "dead": 2}
    assert hour.summary == "40 settled, 3 failed attempts, 2 dead letters"
    assert list(hour.rows[place])[1:] == ["40", "40", "3", "2"]
    assert json.loads(latency.data)["series"][1]["values"][place] == pytest.approx(0.005, rel=0.02)
    assert row_of(response, "tally/increment").total.settled == 40
    day = json.loads(response.context["charts"][2].data)
    assert sum(day["series"][0]["values"]) == 40


def test_nothing_is_shown_to_who_may_not_see_it(staff, backend):
    client = staff("view_actorinstance")
    for name in ("changelist", "sections", "doctor", "settings"):
        assert client.get(page("overview", name)).status_code == 403, name


@pytest.mark.parametrize("permissions", [(VIEW,), (VIEW, "add_pause", "delete_pause", "delete_message")])
def test_it_needs_few_queries(staff, backend, few_queries, permissions):
    for number in range(30):
        Tally.get_or_create(str(number)).send("increment", {"amount": 1})
        Scribe.get_or_create(str(number)).send("record", {"value": 1}, delay=60)
    client = staff(*permissions)
    for name in ("changelist", "sections"):
        with few_queries():
            assert client.get(page("overview", name)).status_code == 200


def test_a_queue_and_a_type_are_paused_and_resumed(staff, backend):
    client = staff(VIEW, "add_pause", "delete_pause")
    assert "Pause this for all actors of the type? " in text_of(
        operate(client, "overview", "pause", "tally/increment", confirmed=False)
    )
    assert not Pause.objects.exists()
    assert "Paused 1 queue or type." in text_of(operate(client, "overview", "pause", "tally/increment"))
    operate(client, "overview", "pause", "tally/")
    assert set(Pause.objects.values_list("type", "queue")) == {("tally", "increment"), ("tally", "")}
    assert "it is paused already" in text_of(operate(client, "overview", "pause", "tally/"))
    assert row_of(client.get(page("overview")), "tally").is_paused
    operate(client, "overview", "resume", "tally/")
    assert "Resumed 1 queue or type." in text_of(operate(client, "overview", "resume", "tally/increment"))
    assert not Pause.objects.exists()
    assert "it is not paused" in text_of(operate(client, "overview", "resume", "tally/"))
    logged = LogEntry.objects.order_by("id").values_list("change_message", "object_repr")
    assert list(logged) == [
        ("Pause", "tally/increment"), ("Pause", "tally"), ("Resume", "tally"), ("Resume", "tally/increment"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "needed"), [("pause", "add_pause"), ("resume", "delete_pause"), ("purge", "delete_message")]
)
def test_each_operation_has_its_permission(staff, backend, name, needed):
    Tally.get_or_create("a").send("increment", {"amount": 1})
    if name == "resume":
        Pause.objects.create(type="tally", queue="increment", paused_at=timezone.now())
    client = staff(VIEW, *{"add_pause", "delete_pause", "delete_message"} - {needed})
    assert page("overview", "operate", name) not in client.get(page("overview")).content.decode()
    assert operate(client, "overview", name, "tally/increment").status_code == 403
    assert Pause.objects.count() == (name == "resume")
    assert Message.objects.count() == 1


def test_a_queue_is_purged(staff, backend):
    Tally.get_or_create("a").send_many("increment", [{"amount": 1}] * 3)
    Tally.get_or_create("b").send("increment", {"amount": 1})
    Scribe.get_or_create("c").send("record", {"value": 1})
    client = staff(VIEW, "delete_message")
    assert "This cannot be undone" in text_of(
        operate(client, "overview", "purge", "tally/increment", confirmed=False)
    )
    assert Message.objects.count() == 5
    assert "Deleted 4 messages." in text_of(operate(client, "overview", "purge", "tally/increment"))
    assert Message.objects.get().queue == "record"
    assert LogEntry.objects.get().change_message == "Purge: 4"


def test_the_doctor_examines_when_asked(staff, start_worker):
    start_worker()
    client = staff(VIEW)
    assert "Findings" not in text_of(client.get(page("overview", "doctor")))
    seen = text_of(client.post(page("overview", "doctor")))
    assert "Findings" in seen
    assert "expired-workers No worker row is left over." in seen


def test_settings_show_what_is_in_effect(staff, backend, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "MAX_DEPTH": 123}
    assert "MAX_DEPTH 123 10000" in text_of(staff(VIEW).get(page("overview", "settings")))


def test_dead_letters_are_counted_and_the_newest_are_shown(staff, backend):
    Tally.get_or_create("a").send("increment", {"amount": 1})
    message = Message.objects.get()
    for number in range(7):
        DeadLetter.objects.create(
            uid=f"00000000-0000-0000-0000-00000000000{number}", actor_id=message.actor_id, sequence=number,
            queue="increment", enqueued_at=timezone.now(), reason="rejected", error=f"no {number}",
            died_at=timezone.now() + timedelta(seconds=number),
        )  # fmt: skip
    seen = text_of(staff(VIEW, "view_deadletter").get(page("overview")))
    assert "Dead letters 7" in seen
    assert "no 6" in seen
    assert "no 1" not in seen
    others = text_of(staff(VIEW, name="bob").get(page("overview")))
    assert "Dead letters 7" in others
    assert "no 6" not in others  # an error may quote the message


@pytest.mark.parametrize("stray", ["1/change/", "1/history/", "1/delete/", "1/", "add/"])
def test_there_is_no_page_of_a_single_row(staff, backend, stray):
    client = staff(VIEW)
    User.objects.update(is_superuser=True)
    assert client.get(page("overview") + stray).status_code == 404
    assert page("overview") in client.get("/admin/").content.decode()


# Workers


def test_a_worker_shows_what_it_holds(staff, start_worker):
    worker = start_worker()
    Scribe.get_or_create("b").send("doze", {"seconds": 60})
    eventually(lambda: Message.objects.filter(started_at__isnull=False).exists())
    client, row = staff("view_worker"), Worker.objects.get()
    assert f"{row} alive" in text_of(client.get(page("worker")))
    seen = text_of(client.get(page("worker", "change", row.pk)))
    assert "scribe/b 1 doze since" in seen
    assert "holds" in client.get(page("worker", "sections", row.pk)).json()["sections"]
    worker.stop()
    assert client.get(page("worker", "change", row.pk)).status_code == 404


def test_many_workers_make_no_more_queries(staff, backend, few_queries):
    now = timezone.now()
    for number in range(40):
        Worker.objects.create(
            id=uuid4(), host="here", pid=number, version="1", types="tally", started_at=now, renewed_at=now,
            expires_at=now + timedelta(hours=1 if number % 2 else -1), busy=0, resident=0,
        )  # fmt: skip
    client = staff("view_worker", VIEW)
    for address in (page("worker"), page("overview")):
        with few_queries():
            seen = text_of(client.get(address))
        assert seen.count(" alive ") == 20
        assert seen.count(" ended at ") == 20


def test_a_worker_s_page_needs_few_queries(staff, start_worker, few_queries):
    start_worker()
    for key in "abcdef":
        Scribe.get_or_create(key).send("doze", {"seconds": 60})
    eventually(lambda: Message.objects.filter(started_at__isnull=False).count() == 6)
    row = Worker.objects.get()
    client = staff("view_worker", "view_actorinstance")
    for name in ("change", "sections"):
        with few_queries():
            assert "scribe/f" in client.get(page("worker", name, row.pk)).content.decode()


def test_workers_are_for_who_may_see_them(staff, backend):
    client = staff(VIEW)
    assert client.get(page("worker")).status_code == 403


def test_a_purge_that_takes_long_stops_and_says_so(staff, backend, monkeypatch):
    monkeypatch.setattr(purging, "PATIENCE", 0.0)
    monkeypatch.setattr(storage_purging, "CHUNK", 2)
    Tally.get_or_create("a").send_many("increment", [{"amount": 1}] * 5)
    client = staff(VIEW, "delete_message")
    assert "There is more: purge again" in text_of(operate(client, "overview", "purge", "tally/increment"))
    assert 0 < Message.objects.count() < 5
    while Message.objects.exists():
        operate(client, "overview", "purge", "tally/increment")
