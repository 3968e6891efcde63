"""What an operation says to the person who asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from actorqueues.admin.operations import Done, some_of


def shortfalls(done: Done[Any]) -> Iterator[str]:
    """What was not done, and why."""
    for reason, refused in done.refused.items():
        yield f"{some_of(refused)}: {reason}"
    if done.gone:
        text = ngettext(
            "%(count)d is gone since you were asked.", "%(count)d are gone since you were asked.", done.gone
        )
        yield text % {"count": done.gone}
    if done.rest:
        yield done.rest


def failure_text(done: Done[Any]) -> str:
    """Only the kind of the error: its text may quote what this person may not see."""
    error = type(done.failure).__name__
    if not done.at:
        return _("It failed: %(error)s. The server's log says more.") % {"error": error}
    text = _("It failed at %(at)s: %(error)s. What comes after was left alone. The server's log says more.")
    return text % {"at": some_of(done.at), "error": error}
