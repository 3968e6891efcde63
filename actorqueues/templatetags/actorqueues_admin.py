"""How single values are written, in the inspector's templates and in its code.

Django imports this wherever the app is installed, so it needs nothing of the admin.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import template
from django.db.models import Choices
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from actorqueues.diagnosis.findings import measured
from actorqueues.models import DeathReason, HistoryEntry, HistoryKind
from actorqueues.storage.burying import BURIED, LAST_ATTEMPT
from actorqueues.storage.cancelling import CANCELLED
from actorqueues.storage.history import BY_ITSELF
from actorqueues.storage.history import gist as gist_of
from actorqueues.storage.purging import PURGED

EMPTY = "-"
DURATIONS = {
    "ms": _("%s ms"),
    "s": _("%s s"),
    "min": _("%s min"),
    "h": _("%s h"),
    "days": _("%s days"),
}
# What the app itself stores is English, whoever did it: it is read in other languages, and by programs.
OWN_WORDS = {
    PURGED: _("purged"),
    CANCELLED: _("cancelled"),
    BURIED: _("put aside by an operator"),
    LAST_ATTEMPT: _("Its last attempt:"),
    BY_ITSELF: _("by itself"),
}
COUNT = re.compile(r"(\d+) messages?")

register = template.Library()


@register.filter
def moment(time: datetime | None) -> str:
    """To the second, in the viewer's time zone, and machine-readable."""
    if time is None:
        return EMPTY
    local = localtime(time) if is_aware(time) else time
    text = f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}"
    return format_html('<time datetime="{}">{}</time>', time.isoformat(), text)


@register.filter
def badge(value: Any, label: Any = None) -> str:
    """A status: its word, and a class of its own for colour."""
    if label is None:
        label = value.label if isinstance(value, Choices) else value
    return format_html('<span class="aq-badge aq-{}">{}</span>', getattr(value, "value", value), label)


@register.filter
def amount(number: Any) -> str:
    """With the viewer's separators."""
    return EMPTY if number in (None, "") else str(number_format(number, force_grouping=True))


@register.filter
def seconds(value: Any) -> str:
    """``4 ms``, ``1.2 s``, ``45 s``, ``12 min``, ``3.5 h``, ``2.1 days``"""
    if value in (None, ""):
        return EMPTY
    if value < 1:
        number, unit = f"{max(0.0, value) * 1000:.0f}", "ms"
    else:
        number, unit = (f"{value:.1f}", "s") if value < 10 else measured(value)
    return DURATIONS[unit] % number_format(number)


@register.filter
def gist(error: str | None) -> str:
    """What an error says, without the way there."""
    return gist_of(error or "")


@register.filter
def told(error: str | None) -> str:
    """An error as it is stored; what the app itself said in the reader's language."""
    said, attempt, rest = (error or "").partition(f"\n\n{LAST_ATTEMPT}\n")
    words = str(OWN_WORDS.get(said, said))
    return f"{words}\n\n{OWN_WORDS[LAST_ATTEMPT]}\n{rest}" if attempt else words


@register.filter
def note(entry: HistoryEntry) -> str:
    """What an entry in a history says beside its kind, in the reader's language."""
    if counted := COUNT.fullmatch(entry.note):
        number = int(counted[1])
        return ngettext("%(count)d message", "%(count)d messages", number) % {"count": number}
    reason, colon, error = entry.note.partition(": ")
    if entry.kind == HistoryKind.DEAD and colon and reason in DeathReason.values:
        return f"{DeathReason(reason).label}: {error}"
    return told(entry.note)


@register.filter
def linked(text: Any, address: str) -> Any:
    """To a page that this site may not have."""
    return format_html('<a href="{}">{}</a>', address, text) if address else text
