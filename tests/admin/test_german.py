"""The inspector in German: what is a text of ours on the English page is in German on the German one."""

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import deactivate, override

from actorqueues.conf import settings as conf
from actorqueues.definitions.keys import actor_id_for
from actorqueues.definitions.registry import registry
from actorqueues.models import ActorInstance, DeadLetter, Event, HistoryEntry, Message, Wake, Worker
from actorqueues.storage.actors import create_actor
from actorqueues.storage.pausing import pause_type
from actorqueues.templatetags.actorqueues_admin import note, seconds
from tests.admin.catalogue import entries
from tests.admin.pages import operate, page, text_of
from tests.playground.actors import Tally

LATER = timedelta(hours=1)
ANN, DAN = (actor_id_for("tally", key) for key in ("ann", "dan"))
SAME_WORDS = {"host", "json", "live", "name", "status", "version", "worker"}  # in both languages
UNITS = {"ms", "s", "min"}  # a heartbeat may be as long ago on both pages
OF_DJANGO = {  # it has no German for these, or had none in 5.2.0
    "- Select an option -",
    "Add link",
    "Change or view list link",
    "Filter",
    "Model name",
    "Run",
    "Search",
    "Select an option",
}
ID = re.compile(r"[0-9a-f]{4,}(…[0-9a-f]{4}|(-[0-9a-f]{4}){3}-[0-9a-f]{12}|-1)?")
SHOWN = ("aria-label", "title", "placeholder", "alt", "value", "label", "data-summary")
SHOWN_OF_LIVE = "data-words-"


class Texts(HTMLParser):
    """What a person reads or hears on a page, piece by piece."""

    def __init__(self):
        super().__init__()
        self.pieces, self.unread = set(), 0

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.unread += tag in ("script", "style")
        if tag == "input" and given.get("type") == "hidden":
            return
        if tag in ("option", "button") or (tag == "input" and given.get("type") not in ("submit", "button")):
            given.pop("value", None)
        for name, value in given.items():
            if name in SHOWN or name.startswith(SHOWN_OF_LIVE):
                self.add(value or "")

    def handle_endtag(self, tag):
        self.unread -= tag in ("script", "style")

    def handle_data(self, text):
        if not self.unread:
            self.add(text)

    def add(self, text):
        text = " ".join(text.split())
        if any(letter.isalpha() for letter in text):
            self.pieces.add(text)


def pieces(response):
    assert response.status_code == 200, response.status_code
    texts = Texts()
    texts.feed(response.content.decode())
    return texts.pieces


@pytest.fixture
def reader(backend, settings):
    """``reader("de")``: a superuser's browser that asks for this language."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    user = User.objects.create_superuser("boss", password="secret")

    def read(language):
        client = Client(headers={"accept-language": language})
        client.force_login(user)
        return client

    yield read
    deactivate()  # requests leave their language to whatever comes next in this thread


@pytest.fixture
def busy(backend):
    """Something of everything."""
    now, using = timezone.now(), Message.objects.db
    worker = Worker.objects.create(
        id=uuid4(), host="host7", pid=7, version="0.1", types="tally", started_at=now, renewed_at=now,
        expires_at=now + LATER, busy=1, resident=2,
    )  # fmt: skip
    for key, fields in {
        "ann": {"paused_at": now, "state": '{"value": 1, "list": [1]}'},
        "bob": {"worker_id": worker.id},
        "cid": {"status": "held", "held_reason": "ValueError: 7"},
        "dan": {"wake_at": now + LATER},
    }.items():
        actor_id = actor_id_for("tally", key)
        create_actor(actor_id, "tally", key, input=None, using=using)
        for delay in (0, 0, 3600):
            Tally.get(key).send("increment", {"amount": 1}, delay=delay)
        ActorInstance.objects.filter(id=actor_id).update(initialised_at=now, active_at=now, **fields)
    Wake.objects.all().delete()
    bob, dan = (
        Message.objects.filter(actor_id=actor_id_for("tally", key)).earliest("id") for key in ("bob", "dan")
    )
    Message.objects.filter(pk=bob.pk).update(started_at=now)
    Message.objects.filter(pk=dan.pk).update(retry_at=now + LATER, failures=2, crashes=1, error="Boom")
    for number, reason in enumerate(("exhausted", "buried")):
        DeadLetter.objects.create(
            uid=uuid4(), actor_id=ANN, queue="increment", reason=reason, enqueued_at=now, died_at=now, body="{}",
            error="Boom", failures=1, sequence=number + 1,
        )  # fmt: skip
    HistoryEntry.objects.create(
        actor_id=ANN, kind="failed", queue="increment", attempt=1, user_id="7", happened_at=now
    )
    Event.objects.create(actor_id=ANN, name="told", data="1", user_id="7", created_at=now)
    pause_type("scribe", using=using)


def looks():
    """What is asked for: lists, pages, forms with errors, and the question before each operation."""
    for model in ("overview", "actorinstance", "message", "deadletter", "worker"):
        yield page(model), None
    yield page("actorinstance") + "?status=backing-off", None
    yield page("message") + "?type=tally&status=retrying", None
    yield page("message") + "?q=nothing", None
    for model, found in (("actorinstance", ActorInstance), ("message", Message), ("worker", Worker)):
        for row in found.objects.all():
            yield page(model, "change", row.uid.hex if found is Message else row.pk), None
    yield page("deadletter", "change", DeadLetter.objects.first().pk), None
    yield page("overview", "doctor"), None
    yield page("overview", "settings"), None
    yield page("actorinstance", "state", DAN), None
    yield page("message", "add"), None
    yield page("message", "add") + "?place=&key=", None
    send = page("message", "add") + "?type=tally&key=ann&queue=increment"
    yield send, None
    yield send, {"body-amount": "many"}
    yield send + "&json=1", {"body-body": "{"}
    yield from questions()


def questions():
    numbers = list(Message.objects.values_list("pk", flat=True))
    letters = [str(pk) for pk in DeadLetter.objects.values_list("pk", flat=True)]
    for model, keys, names in (
        ("actorinstance", [str(ANN), str(DAN)], ("pause", "resume", "wake", "destroy")),
        ("message", numbers[:2], ("retry", "cancel", "bury")),
        ("deadletter", letters, ("replay",)),
        ("overview", ["tally/increment", "scribe/record"], ("pause", "resume", "purge")),
    ):
        for name in names:
            for some in (keys[:1], keys):
                yield page(model, "operate", name), {"_selected_action": some}


def both(reader):
    english, german = reader("en"), reader("de")
    for address, data in looks():
        one, other = (
            client.get(address) if data is None else client.post(address, data)
            for client in (english, german)
        )
        yield address, pieces(one), pieces(other)


def names_of_data():
    """What is called the same in every language."""
    queues = {queue for actor in registry.all() for queue in actor.definition.queues}
    types = {actor.type_name for actor in registry.all()}
    made = {
        "ann",
        "bob",
        "cid",
        "dan",
        "boss",
        "boom",
        "told",
        "valueerror",
        "amount",
        "value",
        "list",
        "host7",
    }
    values = {str(getattr(conf, name)) for name in conf.names()} | {"default", "none"}
    return {name.casefold() for name in queues | types | made | values | set(conf.names())}


def is_data(text, names):
    words = re.split(r"[^\w…-]+", text.casefold())
    return all(not re.search(r"[^\W\d]", word) or word in names or ID.fullmatch(word) for word in words)


def test_no_text_stays_english(reader, busy):
    names = names_of_data() | SAME_WORDS | UNITS
    english = {
        (address, text)
        for address, one, other in both(reader)
        for text in one & other
        if text not in OF_DJANGO and not is_data(text, names)
    }
    assert english == set()


def test_each_text_is_what_the_catalogue_says(reader, busy):
    says = {}
    for entry in entries():
        if entry.msgstr:
            says.setdefault(entry.msgid, set()).add(entry.msgstr)
            says.setdefault(capfirst(entry.msgid), set()).add(capfirst(entry.msgstr))
    del says["None"]  # "-" is no text
    met, missing = set(), set()
    for address, one, other in both(reader):
        known = one & says.keys()
        met |= known
        missing |= {(address, text, *says[text]) for text in known if not says[text] & other}
    assert missing == set()
    assert len(met) > 150, sorted(met)


def test_titles_begin_with_a_capital(reader, busy):
    client = reader("de")
    assert client.get(page("deadletter")).context["title"].startswith("Unzustellbare Nachricht")
    assert client.get(page("actorinstance")).context["title"].startswith("Akteur")


def test_the_charts_speak_german(reader, busy):
    charts = reader("de").get(page("overview")).context["charts"]
    assert [line["label"] for line in json.loads(charts[0].data)["series"]] == [
        "erledigt", "gesendet", "fehlgeschlagen", "unzustellbar",
    ]  # fmt: skip
    assert json.loads(charts[1].data)["durations"]["days"] == "%s Tage"
    assert charts[0].summary == "0 erledigt, 0 Fehlversuche, 0 unzustellbar"


def test_one_and_many(reader, busy):
    client = reader("de")
    assert "1 Akteur fortgesetzt." in text_of(operate(client, "actorinstance", "resume", ANN))
    assert "2 Akteure pausiert." in text_of(operate(client, "actorinstance", "pause", ANN, DAN))
    refused = text_of(operate(client, "actorinstance", "pause", ANN, DAN))
    assert "tally/dan: bereits pausiert." in refused


def test_the_log_is_for_readers_of_all_languages(reader, busy):
    operate(reader("de"), "actorinstance", "resume", ANN)
    assert LogEntry.objects.get().change_message == "Resume"


def test_what_the_app_has_stored_in_english_is_read_in_german(reader, busy):
    """Who did it spoke another language."""
    english, client = reader("en"), reader("de")
    eve = Tally.get_or_create("eve")
    purged, cancelled, buried, failed = (eve.send("increment", {}, track=True).id for _ in range(4))
    numbers = dict(Message.objects.values_list("uid", "pk"))
    Message.objects.filter(uid=failed).update(failures=1, error="Boom")
    for uid in (failed, buried):
        operate(english, "message", "bury", numbers[UUID(uid)])
    operate(english, "message", "cancel", numbers[UUID(cancelled)])
    operate(english, "actorinstance", "purge", actor_id_for("tally", "eve"))

    assert "Letzter Fehler beim Leeren der Warteschlange entfernt" in of_message(client, purged)
    assert "Letzter Fehler zurückgezogen" in of_message(client, cancelled)
    letter = text_of(client.get(page("deadletter", "change", UUID(failed))))
    assert "Fehler von Hand abgelegt Letzter Versuch: Boom" in letter
    listed = text_of(client.get(page("deadletter")))
    assert listed.count("von Hand abgelegt") >= 4  # as the reason and as the error of each
    assert "put aside" not in listed
    past = text_of(client.get(page("actorinstance", "change", actor_id_for("tally", "eve"))))
    assert "von Hand abgelegt" in past
    assert "1 Nachricht" in past
    assert [text for text in ("put aside", "Its last", "1 message") if text in past] == []


def of_message(client, uid):
    return text_of(client.get(page("message", "change", uid)))


@pytest.mark.parametrize(
    ("kind", "stored", "german"),
    [
        ("purged", "1 message", "1 Nachricht"),
        ("replayed", "12 messages", "12 Nachrichten"),
        ("dead", "exhausted: Boom: no", "zu oft fehlgeschlagen: Boom: no"),
        ("dead", "Boom: no", "Boom: no"),
        ("failed", "exhausted: Boom", "exhausted: Boom"),
        ("destroyed", "by itself", "durch sich selbst"),
        ("buried", "12 messages too many", "12 messages too many"),
        ("paused", "", ""),
    ],
)
def test_notes_in_a_history(kind, stored, german):
    entry = HistoryEntry(kind=kind, note=stored)
    with override("en"):
        assert note(entry) == stored.replace(
            "exhausted", "failed too often" if kind == "dead" else "exhausted"
        )
    with override("de"):
        assert note(entry) == german


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (0.0042, "4 ms", "4 ms"),
        (1.23, "1.2 s", "1,2 s"),
        (750, "12 min", "12 min"),
        (12_600, "3.5 h", "3,5 h"),
        (181_440, "2.1 days", "2,1 Tage"),
    ],
)
def test_durations(value, english, german):
    with override("en"):
        assert seconds(value) == english
    with override("de"):
        assert seconds(value) == german


def test_commands_speak_english(busy):
    letter = DeadLetter.objects.get(reason="exhausted")
    output = StringIO()
    with override("de"):
        call_command("actorqueues", "dead", letter.pk.hex, stdout=output)
    assert "exhausted (failed too often)" in output.getvalue()


def test_errors_of_the_api_are_english_for_everybody(reader):
    """They are a contract."""
    answers = [reader(language).get("/api/actors/nobody/main/") for language in ("en", "de")]
    assert answers[0].status_code == 404
    assert answers[0].json() == answers[1].json()
