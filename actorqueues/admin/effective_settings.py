"""The settings in effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from actorqueues.conf import Settings, settings


@dataclass(frozen=True)
class SettingRow:
    name: str
    value: Any
    default: Any

    @property
    def is_changed(self) -> bool:
        return bool(self.value != self.default)


def settings_rows() -> Iterator[SettingRow]:
    for name in sorted(Settings.names()):
        yield SettingRow(name, getattr(settings, name), vars(Settings)[name].default)
