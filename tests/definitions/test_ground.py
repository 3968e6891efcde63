"""What lies under the definitions: settings, errors, durations, the bridge between sync and async."""

import asyncio
import pickle
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.test import override_settings

import actorqueues
from actorqueues import exceptions
from actorqueues.bridge import in_thread, refuse_running_loop
from actorqueues.conf import Settings, settings
from actorqueues.durations import optional_seconds, seconds


def test_settings_have_defaults_and_give_durations_as_seconds():
    with override_settings(ACTORQUEUES={}):
        assert (settings.DATABASE, settings.MAX_DEPTH, settings.LEASE) == ("default", 10_000, 15.0)
    with override_settings(
        ACTORQUEUES={"LEASE": timedelta(minutes=1), "POLL_INTERVAL": 2, "MAX_CRASHES": None}
    ):
        assert (settings.LEASE, settings.POLL_INTERVAL, settings.MAX_CRASHES) == (60.0, 2.0, None)
        assert isinstance(settings.POLL_INTERVAL, float)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEASE", "15"),
        ("LEASE", 0),
        ("LEASE", float("inf")),
        ("GRACE", -1),
        ("MAX_DEPTH", 0),
        ("MAX_DEPTH", True),
        ("LANES", None),
        ("LANES", 1.5),
        ("WAKEUP", "redis"),
        ("DATABASE", None),
    ],
)
def test_a_wrong_setting_says_what_is_right(name, value):
    with override_settings(ACTORQUEUES={name: value}):
        with pytest.raises(ImproperlyConfigured, match=rf'ACTORQUEUES\["{name}"\] must be'):
            getattr(settings, name)
        assert [problem.name for problem in settings.problems()] == [name]


def test_every_default_passes_its_own_reading():
    for name in Settings.names():
        setting = vars(Settings)[name]
        assert setting.read(setting.default) == setting.default


def test_every_error_has_a_code_a_status_and_a_sentence():
    kinds = [
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and issubclass(value, exceptions.ActorQueuesError)
    ]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    for kind in kinds:
        assert kind.code.count(".") == 1
        assert 400 <= kind.status <= 500
        assert kind().message.endswith((".", "?")) or "{" in (kind.__doc__ or "")


def test_an_error_is_its_docstring_filled_in():
    error = exceptions.QueueFull(limit=10)
    assert (str(error), error.message) == ("Queue is full. Limit is 10 messages.",) * 2
    assert (error.code, error.status, error.metadata) == ("queue.full", 429, {"limit": 10})
    assert (
        exceptions.MessageTooLarge(size=7, limit=5).message
        == "Queue message too large (7 bytes). Limit is 5 bytes."
    )
    assert exceptions.QueueFull("Full.").message == "Full."
    assert exceptions.Reject("no such order").reason == "no such order"


def test_errors_survive_pickling():
    for error in (exceptions.QueueFull(limit=10), exceptions.Reject("x", order=3)):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.message, again.metadata) == (type(error), error.message, error.metadata)


def test_durations_are_seconds_or_timedelta():
    assert [seconds(value) for value in (1, 0.5, timedelta(minutes=1), 0)] == [1.0, 0.5, 60.0, 0.0]
    assert optional_seconds(None) is None
    for wrong in ("1", True, None, float("nan"), -1, timedelta(seconds=-1)):
        with pytest.raises((TypeError, ValueError), match="delay"):
            seconds(wrong, "delay")


def test_a_blocking_call_on_a_running_loop_names_its_twin():
    async def body():
        refuse_running_loop("send")

    refuse_running_loop("send")
    with pytest.raises(SynchronousOnlyOperation, match="await asend"):
        asyncio.run(body())


def test_synchronous_code_runs_outside_the_loops_thread():
    async def body():
        return await in_thread(lambda a, b=0: (threading.get_ident(), a + b), 1, b=2), threading.get_ident()

    (thread, total), loop_thread = asyncio.run(body())
    assert total == 3
    assert thread != loop_thread


def test_every_public_name_is_there():
    for name in actorqueues.__all__:
        if name not in ("Message", "Worker"):  # they need the app's models
            assert getattr(actorqueues, name) is not None
    with pytest.raises(AttributeError):
        actorqueues.Nothing  # noqa: B018
    assert set(actorqueues.__all__) <= set(dir(actorqueues))


def test_the_package_is_imported_before_django_is_configured():
    code = (
        "import actorqueues\n"
        "from actorqueues import Actor, Queue, handler, action, Backoff, CONTENT, AbortSignal, QueueFull\n"
        "class Counter(Actor):\n"
        "    increment = Queue(int)\n"
        "assert Counter.definition.type_name == 'counter'\n"
        "from django.conf import settings\n"
        "assert not settings.configured\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
