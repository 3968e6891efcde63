"""The reference pages are complete and say what the code says."""

import ast
import inspect
import re
from datetime import timedelta
from typing import get_args

import pytest
from django.core.management import load_command_class
from django.dispatch import Signal

import actorqueues
from actorqueues import exceptions, signals
from actorqueues.conf import Settings
from actorqueues.consumers import frames
from actorqueues.consumers.closing import CloseCode
from actorqueues.exceptions import ActorQueuesError
from actorqueues.wakeups.transports import transport_of
from tests.docs.pages import PROJECT

REFERENCE = PROJECT / "docs" / "reference"
CHECK_ID = re.compile(r"\b[EW]\d{3}\b")
UNITS = {"s": 1, "min": 60, "days": 86400}


def rows_of(page):
    """The cells of every table row of a page, without their backticks."""
    lines = (REFERENCE / page).read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")
    ]
    return [[cell.strip("`") for cell in row] for row in rows]


def test_errors_are_listed_with_their_codes_and_statuses():
    classes = [value for value in vars(exceptions).values() if is_error(value)]
    expected = {(error.__name__, error.code, str(error.status)) for error in classes}
    listed = {tuple(row[:3]) for row in rows_of("errors.md") if len(row) >= 4 and "." in row[1]}
    assert listed == expected


def is_error(value):
    return isinstance(value, type) and issubclass(value, ActorQueuesError)


def test_settings_are_listed_with_their_defaults():
    listed = {row[0]: row[2] for row in rows_of("settings.md") if row[0] in Settings.names()}
    assert list(listed) == Settings.names()
    for name, text in listed.items():
        assert plain(text) == vars(Settings)[name].default, name


def plain(text):
    """``5 min`` is 300, ``10_000`` is a number, ``"auto"`` a text."""
    amount, _, unit = text.partition(" ")
    return ast.literal_eval(amount) * UNITS[unit] if unit else ast.literal_eval(text)


def test_checks_are_listed():
    folders = (PROJECT / "actorqueues" / part for part in ("checks", "definitions"))
    sources = [source for folder in folders for source in folder.glob("*.py")]
    texts = [string for source in sources for string in strings_of(PROJECT / source)]
    used = {found for text in texts for found in CHECK_ID.findall(text)}
    listed = {row[0].removeprefix("actorqueues.") for row in rows_of("checks.md") if CHECK_ID.search(row[0])}
    assert listed == used


def strings_of(path):
    """String constants that are not docstrings."""
    tree = ast.parse(path.read_text())
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


def test_signals_are_described():
    text = (REFERENCE / "signals.md").read_text()
    for name, value in vars(signals).items():
        if isinstance(value, Signal):
            assert f"`{name}`" in text


@pytest.mark.parametrize("command", ["runactors", "actorqueues"])
def test_options_of_commands_are_listed(command):
    text = (REFERENCE / "commands.md").read_text()
    for option in options_of(load_command_class("actorqueues", command).create_parser("manage.py", command)):
        assert f"`{option}" in text, option


def options_of(parser):
    for action in parser._actions:
        for subparser in (getattr(action, "choices", None) or {}).values() if is_operation(action) else ():
            yield from options_of(subparser)
        own = action.help not in (None, "==SUPPRESS==") and not is_django(parser, action)
        yield from (option for option in action.option_strings if own and option.startswith("--"))


def is_operation(action):
    return isinstance(action.choices, dict)


def is_django(parser, action):
    shared = {
        "--help",
        "--version",
        "--verbosity",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--skip-checks",
    }
    return bool(shared & set(action.option_strings)) or "color" in "".join(action.option_strings)


def test_public_names_are_in_the_reference():
    text = (REFERENCE / "api.md").read_text() + (REFERENCE / "errors.md").read_text()
    assert [name for name in actorqueues.__all__ if not is_mentioned(name, text)] == []


@pytest.mark.parametrize("name", ["Actor", "AbortSignal", "Message"])
def test_members_are_in_the_reference(name):
    text = (REFERENCE / "api.md").read_text()
    members = [member for member in vars(getattr(actorqueues, name)) if not member.startswith("_")]
    internal = {"definition"}
    assert [member for member in members if member not in internal and not is_mentioned(member, text)] == []


def test_members_of_handles_are_in_the_reference():
    from actorqueues.client.handle import Handle

    text = (REFERENCE / "api.md").read_text()
    members = [name for name, _ in inspect.getmembers(Handle) if not name.startswith("_")]
    twins = {name for name in members if name.startswith("a") and name[1:] in members}
    assert [member for member in members if member not in twins and not is_mentioned(member, text)] == []


def is_mentioned(name, text):
    """In code: ``name``, ``@name``, ``Class.name``."""
    return re.search(rf"`(@|\w+\.)?{name}\b", text) is not None


@pytest.mark.parametrize(("wanted", "expected"), [("auto", {"sqlite", "notify"}), ("poll", {"poll"})])
def test_wakeups_are_as_described(backend, settings, wanted, expected):
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "WAKEUP": wanted}
    assert transport_of(backend) in expected


def test_units_are_understood():
    assert plain("30 days") == timedelta(days=30).total_seconds()


def test_close_codes_and_frames_are_listed():
    rows = rows_of("websocket.md")
    listed = {row[0]: row[1] for row in rows if row[0].isdigit()}
    assert listed == {str(int(code)): code.name for code in CloseCode}
    types = {model.model_fields["type"].annotation.__args__[0] for model in get_args(frames.AnyFrame)}
    assert types <= {row[0] for row in rows}
