"""Where a stored message stands, in a word."""

from __future__ import annotations

from datetime import datetime

from django.db.models import TextChoices
from django.utils.html import format_html
from django.utils.translation import gettext_lazy, pgettext

from actorqueues.models import Message
from actorqueues.storage.outcomes import status_of
from actorqueues.templatetags.actorqueues_admin import badge, moment


class MessageStatus(TextChoices):
    SCHEDULED = "scheduled", gettext_lazy("scheduled")
    READY = "ready", gettext_lazy("ready")
    IN_FLIGHT = "in-flight", gettext_lazy("in flight")
    RETRYING = "retrying", gettext_lazy("retrying")


def written_status(message: Message, now: datetime) -> str:
    """With the time that belongs to it."""
    status = MessageStatus(status_of(message, now).replace("_", "-"))
    times = {
        MessageStatus.SCHEDULED: (pgettext("before a time", "for"), message.scheduled_at),
        MessageStatus.IN_FLIGHT: (pgettext("before a time", "since"), message.started_at),
        MessageStatus.RETRYING: (pgettext("before a time", "at"), message.retry_at),
    }
    if status not in times:
        return badge(status)
    word, time = times[status]
    return format_html("{} {} {}", badge(status), word, moment(time))
