"""``actorqueues dead`` and ``actorqueues retry``."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.db import connections

from actorqueues.diagnosis.dead_letters import headline
from actorqueues.management import progress
from actorqueues.models import DeadLetter, Message
from actorqueues.storage.dialects import dialect_for
from tests.commands.test_actorqueues import command, rows
from tests.playground.actors import Scribe

HEADERS = {"x": "1", "authorization": "Bearer abc"}


@pytest.fixture
def buried(backend, worker_process):
    """Three dead letters with their ids: two of one actor, the newest of another; by a real worker."""
    ids = [
        Scribe.get_or_create(key).send(Scribe.reject, {"note": note}, headers=HEADERS, user="7").id
        for key, note in (("a", "first"), ("a", "second"), ("b", "third"))
    ]
    drain = worker_process("--drain")
    assert drain.wait(60) == 0, drain.output
    now = dialect_for(backend).now(connections[backend])
    for hours, uid in ((30, ids[0]), (20, ids[1]), (1, ids[2])):
        DeadLetter.objects.filter(uid=uid).update(died_at=now - timedelta(hours=hours))
    return ids


def listed(*arguments):
    return [row[0] for row in rows(command("dead", *arguments))[1:]]


def test_dead_lists_the_newest_first_without_bodies(buried):
    first, second, third = buried
    output = command("dead")
    assert rows(output)[0] == ["ID", "ACTOR", "QUEUE", "REASON", "ATTEMPTS", "DIED", "ERROR"]
    assert listed() == [third, second, first]
    assert rows(output)[1][1:4] == ["scribe/b", "reject", "rejected"]
    assert '"note"' not in output
    assert listed("--limit", "1") == [third, "3"]
    assert "3 in all" in command("dead", "--limit", "1")


def test_dead_letters_are_selected(buried):
    first, second, third = buried
    assert listed("--type", "scribe", "--key", "a") == [second, first]
    assert listed("--since", "24h") == [third, second]
    assert listed("--since", "2h", "--reason", "rejected", "--queue", "reject") == [third]
    assert command("dead", "--type", "tally") == "No dead letters.\n"
    assert [one["id"] for one in json.loads(command("dead", "--json", "--type", "scribe"))] == [
        third,
        second,
        first,
    ]
    assert "body" not in json.loads(command("dead", "--json"))[0]


def test_one_dead_letter_is_shown_whole(buried):
    output = command("dead", buried[0])
    for part in (buried[0], "scribe/a", "rejected", '"note": "first"', '{"x": "1", "auth', "user      7"):
        assert part in output
    whole = json.loads(command("dead", buried[0], "--json"))
    assert (whole["body"]["note"], whole["user"], whole["headers"]["x"]) == ("first", "7", "1")


def test_a_dead_letter_is_shown_without_secrets_unless_they_are_asked_for(buried):
    DeadLetter.objects.filter(uid=buried[0]).update(body='{"password": "hunter2"}')
    for options in ([], ["--json"]):
        masked, whole = (command("dead", buried[0], *options, *more) for more in ([], ["--unredacted"]))
        for secret in ("Bearer abc", "hunter2"):
            assert secret not in masked
            assert secret in whole


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["dead", "--key", "a"], "--key needs --type"),
        (["dead", "--type", "scrib"], 'Did you mean "scribe"'),
        (["dead", "--since", "soon"], "'soon' is not a time"),
        (["dead", "0" * 32], "There is no dead letter"),
        (["dead", "xyz"], "message.unknown"),
        (["retry"], "say --all"),
        (["retry", "0" * 32, "--all"], "not both"),
        (["retry", "0" * 32], "1 of these ids are no dead letters"),
        (["retry", "--now"], "--now takes TYPE KEY"),
        (["retry", "--now", "0" * 32], "There is no message"),
        (["retry", "--now", "scribe", "a", "--all"], "none of the other options"),
    ],
)
def test_mistakes_are_refused(backend, arguments, complaint):
    with pytest.raises(CommandError) as caught:
        command(*arguments)
    assert complaint in str(caught.value)


def test_retry_replays_what_is_named(buried):
    assert command("retry", buried[1]) == "replayed 1\n"
    assert Message.objects.get().uid.hex == buried[1]
    assert listed() == [buried[2], buried[0]]


def test_retry_replays_what_is_selected_and_workers_take_it(buried, worker_process, monkeypatch):
    monkeypatch.setattr("actorqueues.management.operations.retry.BATCH", 1)
    assert command("retry", "--all", "--type", "scribe", "--key", "a") == "replayed 2\n"
    assert [message.uid.hex for message in Message.objects.order_by("id")] == buried[:2]
    drain = worker_process("--drain")
    assert drain.wait(60) == 0, drain.output
    assert len(listed()) == 3  # rejected once more
    assert not Message.objects.exists()


def test_retry_asks_on_a_terminal(buried, monkeypatch):
    asked = []

    def answer(question):
        asked.append(question)
        return answers.pop()

    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"actorqueues.management.progress.sys.{stream}", Terminal())
    monkeypatch.setattr(progress, "input", answer, raising=False)
    answers = ["y", "n"]
    with pytest.raises(CommandError, match="Nothing was done"):
        command("retry", "--all")
    assert len(listed()) == 3
    assert command("retry", "--all") == "replayed 3\n"
    assert asked == ["Replay 3 dead letters? [y/N] "] * 2
    assert command("retry", "--all", "--yes") == "replayed 0\n"


def test_what_dies_during_the_question_is_left_alone(buried, backend, monkeypatch):
    def answer(question):
        now = dialect_for(backend).now(connections[backend])
        DeadLetter.objects.filter(uid=buried[1]).update(died_at=now)
        return "y"

    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"actorqueues.management.progress.sys.{stream}", Terminal())
    monkeypatch.setattr(progress, "input", answer, raising=False)
    assert command("retry", "--all") == "replayed 2\n"
    assert listed() == [buried[1]]


class Terminal:
    def isatty(self):
        return True


def test_retry_now_ends_a_backoff(backend, worker_process):
    settings = {"SLEEP_AFTER": 0, "POLL_INTERVAL": 0.2}
    sent = Scribe.get_or_create("a").send(Scribe.stumble, {"value": 1}, track=True)
    drain = worker_process("--drain", settings=settings)
    assert drain.wait(60) == 0, drain.output
    assert Message.objects.filter(retry_at__isnull=False).update(
        retry_at=dialect_for(backend).now(connections[backend]) + timedelta(hours=1)
    )
    assert command("retry", "--now", "scribe", "a") == "1 due now\n"
    assert command("retry", "--now", sent.id) == "Nothing of it waits out a backoff.\n"
    assert worker_process("--drain", settings=settings).wait(60) == 0
    assert Scribe.get_or_create("a").wait_for(sent, timeout=5).status == "completed"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("not today", "not today"),
        ('Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no\n', "ValueError: no"),
        (None, ""),
    ],
)
def test_an_errors_headline_says_what_happened(error, line):
    assert headline(error) == line
