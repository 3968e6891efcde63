"""``actorqueues purge``."""

import pytest
from django.core.management import CommandError

from actorqueues.management import progress
from actorqueues.models import HistoryEntry, Message
from tests.commands.test_actorqueues import command
from tests.commands.test_dead_letters import Terminal
from tests.playground.actors import Scribe, Tally


def send(key, count, queue=Scribe.doze, **options):
    return Scribe.get_or_create(key).send_many(queue, [{"value": 1}] * count, **options)


def test_purge_deletes_the_queue_of_one_actor_or_of_all(backend):
    [sent, *_] = send("a", 3, track=True)
    send("b", 2, delay=60)
    send("b", 1, Scribe.block)
    Tally.get_or_create("a").send(Tally.increment, {})
    assert command("purge", "scribe", "a", "--queue", "doze") == "purged 3\n"
    assert Scribe.get_or_create("a").wait_for(sent, timeout=5).error == "purged"
    assert command("purge", "scribe", "--queue", "doze") == "purged 2\n"
    assert command("purge", "scribe", "--queue", "doze") == "purged 0\n"
    assert sorted(Message.objects.values_list("queue", flat=True)) == ["block", "increment"]
    assert sorted(HistoryEntry.objects.values_list("note", flat=True)) == ["2 messages", "3 messages"]


def test_purge_takes_queues_that_the_code_has_no_more_while_they_have_messages(backend):
    send("a", 2)
    Message.objects.update(queue="snooze")
    assert command("purge", "scribe", "--queue", "snooze") == "purged 2\n"
    with pytest.raises(CommandError, match=r"queue\.unknown"):
        command("purge", "scribe", "--queue", "snooze")


def test_purge_asks_on_a_terminal(backend, monkeypatch):
    asked, answers = [], ["y", "n"]

    def answer(question):
        asked.append(question)
        return answers.pop()

    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"actorqueues.management.progress.sys.{stream}", Terminal())
    monkeypatch.setattr(progress, "input", answer, raising=False)
    send("a", 2)
    send("b", 1)
    with pytest.raises(CommandError, match="Nothing was done"):
        command("purge", "scribe", "--queue", "doze")
    assert command("purge", "scribe", "a", "--queue", "doze") == "purged 2\n"
    assert asked == [
        'Delete 3 messages of queue "doze" of all actors of type scribe? [y/N] ',
        'Delete 2 messages of queue "doze" of actor scribe/a? [y/N] ',
    ]
    assert command("purge", "scribe", "--queue", "doze", "--yes") == "purged 1\n"


def test_what_comes_during_the_question_is_left_alone(backend, monkeypatch):
    def answer(question):
        send("a", 2)
        return "y"

    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"actorqueues.management.progress.sys.{stream}", Terminal())
    monkeypatch.setattr(progress, "input", answer, raising=False)
    for arguments in (["scribe", "a"], ["scribe"]):
        send("a", 1)
        before = Message.objects.count()
        assert command("purge", *arguments, "--queue", "doze") == f"purged {before}\n"
        assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["scrib", "--queue", "doze"], 'Did you mean "scribe"'),
        (["scribe", "--queue", "dose"], 'Did you mean "doze"'),
        (["scribe", "a\\q", "--queue", "doze"], "actor.key_invalid"),
        (["scribe"], "--queue"),
    ],
)
def test_mistakes_are_refused(backend, arguments, complaint):
    with pytest.raises(CommandError) as caught:
        command("purge", *arguments)
    assert complaint in str(caught.value)
