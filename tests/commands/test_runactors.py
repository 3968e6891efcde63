"""``manage.py runactors`` as a process: what it accepts, says and leaves behind."""

import signal

import pytest
from django.core.management import CommandError, call_command

from actorqueues.management.commands.runactors import Command
from actorqueues.management.options import worker_options
from tests.playground.actors import Scribe, Tally
from tests.playground.models import Ledger


def parsed(*arguments):
    return vars(Command().create_parser("manage.py", "runactors").parse_args(arguments))


def test_only_what_was_given_reaches_the_worker():
    assert worker_options(parsed()) == {"drain": False}
    given = parsed("--include", "tally", "--include", "scribe", "--lanes", "2", "--grace", "0", "--drain")
    wanted = {"include": ("tally", "scribe"), "lanes": 2, "grace": 0.0, "drain": True}
    assert worker_options(given) == wanted


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--include", "talli"], 'There is no actor type "talli". Did you mean "tally"?'),
        (["--exclude", "nobody"], 'There is no actor type "nobody"'),
        (
            ["--database", "elsewhere"],
            "--database elsewhere is not in DATABASES: default, postgresql, pgbouncer.",
        ),
        (["--drain", "--reload"], "--reload and --drain exclude each other"),
        (["--lease", "soon"], "'soon' is not a time: write seconds"),
        (["--lease", "0"], "longer than 0 seconds"),
        (["--lanes", "0"], "not a whole number of 1 or more"),
        (["--log-level", "loud"], "--log-level LOUD is not a level"),
        (["--log-file", "/nowhere/at/all.log"], "cannot be written: No such file or directory"),
    ],
)
def test_mistakes_are_named_before_anything_starts(arguments, complaint):
    with pytest.raises(CommandError) as caught:
        call_command("runactors", "--skip-checks", *arguments)
    assert complaint in str(caught.value)


def test_drain_works_until_nothing_is_due_and_ends_well(backend, worker_process):
    for key in ("a", "b", "c"):
        Tally.get_or_create(key).send_many(Tally.increment, [{"amount": 1}] * 20)
    drain = worker_process("--drain")
    assert drain.wait(60) == 0, drain.output
    assert [Tally.get_or_create(key).get_state().value for key in ("a", "b", "c")] == [20, 20, 20]


def test_drain_of_nothing_ends_at_once(worker_process):
    drain = worker_process("--drain")
    assert drain.wait(60) == 0, drain.output


def test_it_says_its_database_and_wake_up_and_stops_with_exit_code_0(backend, worker_process):
    worker = worker_process()
    worker.wait_for_output("worker starts")
    assert f"database {backend}" in worker.output
    assert "wake-ups by" in worker.output
    worker.terminate()
    assert worker.wait() == 0


def test_excluded_types_stay_stored(backend, worker_process):
    Tally.get_or_create("main").send(Tally.increment, {"amount": 1})
    scribe = Scribe.get_or_create("main").send(Scribe.record, {"value": 1}, track=True)
    drain = worker_process("--drain", "--exclude", "tally")
    assert drain.wait(60) == 0, drain.output
    assert Scribe.get_or_create("main").wait_for(scribe, timeout=5).status == "completed"
    assert Tally.get_or_create("main").get_state().value == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_supervised_worker_stops_gracefully(backend, worker_process, number):
    worker = worker_process(settings={"POLL_INTERVAL": 0.2})
    worker.wait_for_output("worker starts")
    Scribe.get_or_create("main").send(Scribe.scribble, {"value": 1, "seconds": 1})
    wait_for_ledger(1)
    worker.signal(number)
    assert worker.wait() == 0, worker.output
    assert [entry.note for entry in Ledger.objects.all()] == ["attempt 1"]
    assert Scribe.get_or_create("main").get_state() == {"values": [1]}


def test_a_worker_that_dies_is_started_again_and_goes_on(backend, worker_process):
    worker = worker_process(settings={"LEASE": 2, "POLL_INTERVAL": 0.2})
    reply = Scribe.get_or_create("main").ask(Scribe.die, {"value": 1}, timeout=30)
    assert reply == 2
    assert "died (signal SIGKILL)" in worker.output


def wait_for_ledger(entries):
    import time

    give_up_at = time.monotonic() + 30
    while Ledger.objects.count() < entries:
        assert time.monotonic() < give_up_at, "nothing was written"
        time.sleep(0.02)
