"""``manage.py actorqueues``."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from actorqueues.management.commands.actorqueues import Command
from actorqueues.management.operations import OPERATIONS
from actorqueues.models import Message
from tests.fixtures.backends import empty_tables
from tests.playground.actors import Tally


def command(*arguments):
    output = io.StringIO()
    call_command("actorqueues", *arguments, stdout=output)
    return output.getvalue()


def rows(output):
    return [line.split() for line in output.splitlines() if line]


def test_send_stores_a_message(backend):
    assert command("send", "tally", "main", "increment", '{"amount": 2}').startswith("sent ")
    assert json.loads(Message.objects.get().body) == {"amount": 2}


def test_send_takes_keys_of_several_parts(backend):
    command("send", "tally", r"a/b\/c", "increment", "{}")
    assert Tally.get_or_create(("a", "b/c")).exists()
    assert not Tally.get_or_create("a").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["talli", "main", "increment", "{}"], 'Did you mean "tally"? (actor.unknown_type)'),
        (["tally", "main", "incremnt", "{}"], "queue.unknown"),
        (["tally", "main", "increment", '{"amount": "many"}'], "queue.message_invalid"),
        (["tally", "main", "increment"], "queue.message_invalid"),
        (["tally", "x" * 200, "increment", "{}"], "actor.key_invalid"),
        (["tally", "main", "increment", "{amount: 1}"], "is not JSON"),
    ],
)
def test_send_refuses_mistakes(backend, arguments, complaint):
    with pytest.raises(CommandError) as caught:
        command("send", *arguments)
    assert complaint in str(caught.value)
    assert not Message.objects.exists()


def test_send_and_wait_prints_the_reply(backend, worker_process):
    worker_process()
    assert json.loads(command("send", "tally", "main", "increment", "{}", "--wait", "--timeout", "30")) == {
        "value": 1
    }


def test_send_and_wait_in_vain_is_exit_code_1(backend, capsys):
    with pytest.raises(SystemExit) as caught:
        command("send", "tally", "main", "increment", "{}", "--wait", "--timeout", "0.2")
    assert caught.value.code == 1


def test_failures_are_printed_with_their_reason(backend, worker_process):
    worker_process()
    output = io.StringIO()
    with pytest.raises(SystemExit):
        call_command(
            "actorqueues",
            "send",
            "scribe",
            "main",
            "reject",
            '{"note": "not today"}',
            "--wait",
            stdout=output,
        )
    assert output.getvalue().startswith("failed ")
    assert "not today" in output.getvalue()


def test_another_database_may_be_named(backend):
    other = "postgresql" if backend == "default" else "default"
    with pytest.raises(CommandError, match="--database nowhere is not in DATABASES: default, postgresql"):
        command("inspect", "--database", "nowhere")
    try:
        command("send", "tally", "main", "increment", "{}", "--database", other)
        assert "increment" in command("inspect", "--database", other)
        assert command("inspect") == "No actors yet.\n\nNo messages.\n"
    finally:
        empty_tables(other)


def test_help_has_examples(capsys):
    for operation in OPERATIONS:
        with pytest.raises(SystemExit):
            Command().run_from_argv(["manage.py", "actorqueues", operation, "--help"])
        assert f"examples:\n  manage.py actorqueues {operation}" in capsys.readouterr().out


def test_inspect_of_nothing(backend):
    assert command("inspect") == "No actors yet.\n\nNo messages.\n"


def test_inspect_counts_by_type_queue_and_status(backend, worker_process):
    Tally.get_or_create("a").send_many(Tally.increment, [{}] * 3)
    Tally.get_or_create("b").send(Tally.increment, {}, delay=60)
    assert rows(command("inspect"))[-2:] == [
        ["tally", "increment", "scheduled", "1"],
        ["tally", "increment", "ready", "3"],
    ]
    assert worker_process("--drain").wait(60) == 0
    command("send", "scribe", "main", "record", "{}")
    assert ["tally", "2", "0"] in rows(command("inspect"))
    assert rows(command("inspect", "--type", "scribe"))[-1] == ["scribe", "record", "ready", "1"]
    counted = json.loads(command("inspect", "--json"))
    assert {"actor_type": "tally", "actors": 2, "awake": 0} in counted["actors"]
    assert {"actor_type": "scribe", "queue": "record", "status": "ready", "messages": 1} in counted[
        "messages"
    ]
    with pytest.raises(CommandError, match='Did you mean "scribe"'):
        command("inspect", "--type", "scrib")
