"""``actorqueues pause`` and ``actorqueues resume``."""

import pytest
from django.core.management import CommandError

from actorqueues.models import ActorInstance, Pause, Wake
from tests.commands.test_actorqueues import command
from tests.playground.actors import Scribe, Tally
from tests.storage.leases import mail_for


def test_a_type_a_queue_and_an_actor_are_paused_and_resumed(backend, worker_process):
    assert command("pause", "tally") == "paused type tally\n"
    assert command("pause", "scribe", "--queue", "doze") == 'paused queue "doze" of scribe\n'
    assert command("pause", "scribe", "b").endswith("paused actor scribe/b\n")
    Tally.get_or_create("a").send(Tally.increment, {})
    for key, queue in (("a", Scribe.doze), ("a", Scribe.reject), ("b", Scribe.reject)):
        Scribe.get_or_create(key).send(queue, {})
    assert worker_process("--drain").wait(60) == 0
    left = "scribe doze ready 1, scribe reject ready 1, scribe reject dead 1, tally increment ready 1"
    assert messages() == left.split(", ")
    assert command("resume", "tally") == "resumed type tally\n"
    command("resume", "scribe", "--queue", "doze")
    command("resume", "scribe", "b")
    assert worker_process("--drain").wait(60) == 0
    assert messages() == ["scribe reject dead 2"]
    assert not Pause.objects.exists()


def messages():
    return [" ".join(line.split()) for line in command("inspect").split("MESSAGES\n")[1].splitlines()]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["pause", "talli"], 'Did you mean "tally"'),
        (["resume", "tally", "--queue", "incremen"], 'Did you mean "increment"'),
        (["pause", "tally", "main", "--queue", "increment"], "exclude each other"),
        (["pause", "tally", "x\\"], "actor.key_invalid"),
    ],
)
def test_mistakes_are_refused(backend, arguments, complaint):
    with pytest.raises(CommandError) as caught:
        command(*arguments)
    assert complaint in str(caught.value)
    assert not any(model.objects.exists() for model in (Pause, ActorInstance, Wake))


def test_a_type_that_only_the_database_knows_may_be_paused(backend):
    mail_for(backend, "main")
    assert 'no code for type "ledger"' in command("pause", "ledger")
    assert Pause.objects.get().type == "ledger"
