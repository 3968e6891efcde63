from datetime import timedelta

from django.db import connections
from django.utils import timezone

from actorqueues.diagnosis import mail, standing
from actorqueues.models import ActorInstance, DeadLetter, Message, Pause, Wake
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.pausing import pause_actor, pause_type
from tests.playground.actors import Scribe, Tally
from tests.storage.leases import Holder, begin, chain_of, heads_of, held_actor, mail_for, release
from tests.storage.outgoing import to
from tests.storage.test_outside_changes import bury


def ago(backend, **by):
    return dialect_for(backend).now(connections[backend]) - timedelta(**by)


def test_the_oldest_waiting_message_is_found_wherever_it_waits(backend, look, level):
    assert level(mail.oldest) == "ok"
    holder, _ = held_actor(backend, "in memory")
    Tally.get_or_create("new").send(Tally.increment, {})
    assert {found for found, _ in look(mail.oldest).values()} == {"info"}
    Message.objects.filter(actor_id=to("in memory").actor_id).update(enqueued_at=ago(backend, hours=2))
    seen = [one.seen for one in mail.oldest(backend) if one.level == "warning"]
    assert seen == ["ledger: the oldest waiting message is 2.0 h old (queue increment, ledger/in memory)."]
    _, sleeping = held_actor(backend, "asleep", holder=holder)
    holder.release(sleeping)
    Wake.objects.filter(type="ledger").delete()
    Message.objects.filter(actor_id=sleeping.actor_id).update(enqueued_at=ago(backend, hours=3))
    assert any("ledger/asleep" in one.seen for one in mail.oldest(backend))
    pause_type("ledger", using=backend)
    assert all(one.seen.startswith("tally:") for one in mail.oldest(backend))


def test_what_has_been_in_flight_for_long_is_a_warning(backend, look, level):
    holder, actor = held_actor(backend)
    holder.commit(chain_of(actor, begin(heads_of(backend, actor.actor_id)[0])))
    assert level(mail.in_flight) == "ok"
    Message.objects.update(started_at=ago(backend, hours=1, minutes=30))
    found = look(mail.in_flight)["in-flight"]
    assert found[0] == "warning"
    assert "ledger/main (increment, 90 min)" in found[1]


def test_mail_without_code_is_a_warning(backend, look, level):
    Tally.get_or_create("main").send(Tally.increment, {})
    assert level(mail.without_code) == "ok"
    mail_for(backend, "main")
    found = look(mail.without_code)["types-without-code"]
    assert found[0] == "warning"
    assert "code for: ledger." in found[1]


def test_wakes_that_nobody_takes_in_are_a_warning(backend, look, level, settings):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "POLL_INTERVAL": 0.05}
    mail_for(backend, "main")
    assert look(mail.stuck_wakes) == {}  # there is no worker, which is another finding
    Holder(backend)
    found = look(mail.stuck_wakes)["stuck-wakes"]
    assert found[0] == "warning"
    assert "ledger/main" in found[1]
    Wake.objects.all().delete()
    assert level(mail.stuck_wakes) == "ok"


def test_pauses_with_mail_that_were_forgotten_are_warnings(backend, look, level):
    assert level(standing.pauses) == level(standing.paused_actors) == "ok"
    pause_type("scribe", "doze", using=backend)
    pause_actor(to("one").actor_id, "ledger", "one", using=backend)
    assert level(standing.pauses) == level(standing.paused_actors) == "info"
    held_actor(backend, "other")
    mail_for(backend, "one")
    Scribe.get_or_create("main").send(Scribe.doze, {})
    actor_id = Message.objects.latest("id").actor_id
    ActorInstance.objects.create(id=actor_id, type="scribe", key="main", created_at=timezone.now())
    Pause.objects.update(paused_at=ago(backend, hours=5))
    ActorInstance.objects.filter(key="one").update(paused_at=ago(backend, hours=5))
    found = look(standing.pauses)["paused-types"]
    assert found[0] == "warning"
    assert 'queue "doze" of scribe is paused for 5.0 h, and mail waits' in found[1]
    assert "resume scribe --queue doze" in found[1]
    assert "resume ledger one" in look(standing.paused_actors)["paused-actors"][1]


def test_held_actors_are_a_warning(backend, look, level):
    assert level(standing.held_actors) == "ok"
    holder, actor = held_actor(backend)
    holder.commit(chain_of(actor, release("Traceback\nStateInvalid: owner is missing")))
    found = look(standing.held_actors)["held-actors"]
    assert found[0] == "warning"
    assert "ledger/main: StateInvalid: owner is missing" in found[1]


def test_fresh_dead_letters_are_a_warning(backend, look, level):
    assert level(standing.dead_letters) == "ok"
    held_actor(backend)
    bury(to())
    found = look(standing.dead_letters)["dead-letters"]
    assert found[0] == "warning"
    assert "1 in all, the newest 0 s ago (ledger/main, increment, rejected)" in found[1]
    DeadLetter.objects.update(died_at=ago(backend, days=3))
    assert level(standing.dead_letters) == "info"
