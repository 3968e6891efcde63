"""The settings of the app: one dict, ``ACTORQUEUES``, with typed access and a default for every name.

Durations may be written as seconds or ``timedelta``; they are read as float seconds.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from actorqueues.durations import seconds

T = TypeVar("T")
DAY = 24 * 3600
WAKEUPS = ("auto", "poll")


@dataclass(frozen=True)
class SettingProblem:
    """What is wrong with one name of ``ACTORQUEUES``, and what would be right."""

    name: str
    message: str
    hint: str
    unknown: bool = False


class Setting(Generic[T]):
    """One name of ``ACTORQUEUES``: its default and how a value is read."""

    def __init__(self, default: T, read: Callable[[Any], T], expects: str) -> None:
        self.default = default
        self.read = read
        self.expects = expects

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Setting[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "Setting[T] | T":
        if instance is None:
            return self
        given = _given()
        if self.name not in given:
            return self.default
        try:
            return self.read(given[self.name])
        except (TypeError, ValueError):
            raise ImproperlyConfigured(self.complaint(given[self.name])) from None

    def complaint(self, value: Any) -> str:
        return f'ACTORQUEUES["{self.name}"] must be {self.expects}, not {value!r}.'


def _given() -> Mapping[str, Any]:
    given = getattr(django_settings, "ACTORQUEUES", {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(f"ACTORQUEUES must be a dict, not {type(given).__name__}.")
    return given


def _duration(default: float, *, zero: bool = False) -> Setting[float]:
    def read(value: Any) -> float:
        number = seconds(value)
        if number == float("inf") or (number == 0 and not zero):
            raise ValueError(value)
        return number

    return Setting(float(default), read, f"{'' if zero else 'positive '}seconds or a timedelta")


def _count(default: int, least: int = 1) -> Setting[int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(value)
        if value < least:
            raise ValueError(value)
        return value

    return Setting(default, read, f"a whole number of {least} or more")


def _optional_count(default: int | None) -> Setting[int | None]:
    counted = _count(1)

    def read(value: Any) -> int | None:
        return None if value is None else counted.read(value)

    return Setting(default, read, f"{counted.expects}, or None for none")


def _alias(default: str) -> Setting[str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise TypeError(value)
        return value

    return Setting(default, read, "the name of one of DATABASES")


def _optional_alias(default: str | None) -> Setting[str | None]:
    def read(value: Any) -> str | None:
        if value is not None and (not isinstance(value, str) or not value):
            raise TypeError(value)
        return value

    return Setting(default, read, "the name of one of CHANNEL_LAYERS, or None for none")


def _choice(default: str, choices: tuple[str, ...]) -> Setting[str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(value)
        return str(value)

    return Setting(default, read, "one of " + ", ".join(f'"{choice}"' for choice in choices))


class Settings:
    """Reads ``settings.ACTORQUEUES``. Raises ``ImproperlyConfigured`` for a wrong value."""

    DATABASE = _alias("default")
    WAKEUP = _choice("auto", WAKEUPS)

    MAX_DEPTH = _optional_count(10_000)
    MAX_MESSAGE_BYTES = _count(65_536)
    DEDUPE_WINDOW = _duration(300)
    REPLY_RETENTION = _duration(600)
    EVENT_RETENTION = _duration(600)
    EVENT_LIMIT = _count(1_000)
    DEAD_RETENTION = _duration(30 * DAY)
    HISTORY_LIMIT = _count(100)
    HISTORY_RETENTION = _duration(30 * DAY)
    STATISTICS_RETENTION = _duration(7 * DAY, zero=True)
    WAIT_TIMEOUT = _duration(60)

    HANDLER_TIMEOUT = _duration(300)
    MAX_CRASHES = _optional_count(20)

    LEASE = _duration(15)
    POLL_INTERVAL = _duration(1)
    SLEEP_AFTER = _duration(30, zero=True)
    GRACE = _duration(15, zero=True)
    STALL_LIMIT = _duration(60)
    LANES = _count(4)
    MAX_RESIDENT = _count(10_000)
    BATCH_SIZE = _count(200)

    CHANNEL_LAYER = _optional_alias("default")
    WEBSOCKET_HEARTBEAT = _duration(25)
    WEBSOCKET_PATIENCE = _duration(10)
    WEBSOCKET_RECHECK = _duration(60)
    WEBSOCKET_MAX_BYTES = _count(131_072)
    WEBSOCKET_BACKLOG = _count(4_194_304)
    WEBSOCKET_SUBSCRIPTIONS = _count(1_000)
    WEBSOCKET_REQUESTS = _count(100)

    @classmethod
    def names(cls) -> list[str]:
        return [name for name, value in vars(cls).items() if isinstance(value, Setting)]

    def problems(self) -> Iterator[SettingProblem]:
        """Everything that is wrong with ``ACTORQUEUES``, for the system checks."""
        try:
            given = _given()
        except ImproperlyConfigured as error:
            yield SettingProblem("", str(error), "Write ACTORQUEUES = {...}.")
            return
        for name, value in given.items():
            setting = vars(type(self)).get(name)
            if isinstance(setting, Setting):
                yield from _wrong_value(setting, value)
            else:
                yield _unknown_name(name)


def _wrong_value(setting: Setting[Any], value: Any) -> Iterator[SettingProblem]:
    try:
        setting.read(value)
    except (TypeError, ValueError):
        yield SettingProblem(setting.name, setting.complaint(value), f"The default is {setting.default!r}.")


def _unknown_name(name: Any) -> SettingProblem:
    near = difflib.get_close_matches(str(name).upper(), Settings.names(), n=1)
    hint = f'Did you mean "{near[0]}"?' if near else f"Known names: {', '.join(Settings.names())}."
    return SettingProblem(str(name), f'ACTORQUEUES has no setting "{name}".', hint, unknown=True)


settings = Settings()
