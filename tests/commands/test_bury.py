"""``actorqueues bury``."""

import pytest
from django.core.management import CommandError
from django.utils import timezone

from actorqueues.models import DeadLetter, Message
from tests.commands.test_actorqueues import command
from tests.playground.actors import Scribe


def test_bury_makes_a_dead_letter_that_retry_puts_back(backend):
    sent = Scribe.get_or_create("a").send(Scribe.doze, {"value": 1}, track=True)
    assert command("bury", sent.id, "--note", "poison") == "buried\n"
    assert (DeadLetter.objects.get().reason, Message.objects.count()) == ("buried", 0)
    assert Scribe.get_or_create("a").wait_for(sent, timeout=5).error == "poison"
    assert sent.id in command("dead", "--reason", "buried")
    assert command("retry", sent.id) == "replayed 1\n"
    assert Message.objects.get().uid.hex == sent.id


def test_bury_says_why_nothing_was_done(backend):
    sent = Scribe.get_or_create("a").send(Scribe.doze, {"value": 1})
    Message.objects.update(started_at=timezone.now())
    with pytest.raises(SystemExit, match="1"):
        command("bury", sent.id)
    with pytest.raises(CommandError, match="There is no message"):
        command("bury", "0" * 32)
    assert not DeadLetter.objects.exists()
