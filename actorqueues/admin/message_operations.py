"""What can be done to messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy, pgettext_lazy

from actorqueues.admin.audit import record_letters, record_receivers
from actorqueues.admin.operations import PATIENCE, Done, Operation, Operator
from actorqueues.models import Message
from actorqueues.storage.burying import Burial, bury_message
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.hastening import hasten_retries
from actorqueues.wakeups import announce_after_commit

Messages = Sequence[Message]
Deed = Callable[[Message, Operator], Any]
"""Returns why it was not done; nothing if it was."""

AWAKE = _("a worker has its actor in memory. It lets go of it soon after the last message; try again then.")
NOT_RETRYING = _("it does not wait for another attempt.")
STARTED = _("it was started before, or is gone.")
IN_FLIGHT = _("it is in flight.")
GONE = _("it is gone: settled, cancelled or dead already.")


def each(deed: Deed) -> Callable[[Messages, Operator, Done[Message]], None]:
    """One after the other, as far as it comes in ``PATIENCE``."""

    def work(messages: Messages, operator: Operator, done: Done[Message]) -> None:
        until = time.monotonic() + PATIENCE
        for place, message in enumerate(done.each(messages)):
            if time.monotonic() > until:
                done.rest = left(len(messages) - place)
                return
            if refusal := deed(message, operator):
                done.refuse(refusal, message)
            else:
                done.targets.append(message)

    return work


def left(count: int) -> str:
    text = ngettext(
        "%(count)d is left; do it again for that one.", "%(count)d are left; do it again for those.", count
    )
    return text % {"count": count}


def retry(message: Message, by: Operator) -> Any:
    hastened = hasten_retries(message.actor_id, message.uid, user_id=by.user_id, using=by.using)
    if not hastened.messages:
        return AWAKE if hastened.awake else NOT_RETRYING
    return announce_after_commit("work", [message.actor_id], using=by.using)


def cancel(message: Message, by: Operator) -> Any:
    if not cancel_message(message.uid, actor_id=message.actor_id, user_id=by.user_id, using=by.using):
        return STARTED
    return announce_after_commit("done", [message.uid], using=by.using)


def bury(message: Message, by: Operator) -> Any:
    burial = bury_message(
        message.uid, actor_id=message.actor_id, note=by.note, user_id=by.user_id, using=by.using
    )
    if burial is not Burial.DONE:
        return IN_FLIGHT if burial is Burial.IN_FLIGHT else GONE
    announce_after_commit("done", [message.uid], using=by.using)
    return announce_after_commit("work", [message.actor_id], using=by.using)


def is_retrying(message: Message) -> bool:
    return message.started_at is None and message.retry_at is not None and message.retry_at > now()


def is_new(message: Message) -> bool:
    return message.started_at is None and not message.failures and not message.crashes


OPERATIONS: Sequence[Operation[Message]] = (
    Operation(
        "retry",
        _("Retry now"),
        "actorqueues.change_message",
        ngettext_lazy("Retry this message now?", "Retry these %(count)d messages now?", "count"),
        ngettext_lazy("%(count)d message is tried now.", "%(count)d messages are tried now.", "count"),
        each(retry),
        warning=_("It ends their backoff. Attempts are counted on."),
        applies=is_retrying,
        records=record_receivers,
    ),
    Operation(
        "cancel",
        pgettext_lazy("of a message", "Cancel"),
        "actorqueues.delete_message",
        ngettext_lazy("Cancel this message?", "Cancel these %(count)d messages?", "count"),
        ngettext_lazy("Cancelled %(count)d message.", "Cancelled %(count)d messages.", "count"),
        each(cancel),
        warning=_(
            "It is removed, if no worker has started it. Who waits for a reply gets “failed”. This cannot be undone."
        ),
        applies=is_new,
        records=record_receivers,
    ),
    Operation(
        "bury",
        _("Make a dead letter"),
        "actorqueues.change_message",
        ngettext_lazy(
            "Make a dead letter of this message?", "Make dead letters of these %(count)d messages?", "count"
        ),
        ngettext_lazy(
            "%(count)d message is a dead letter now.", "%(count)d messages are dead letters now.", "count"
        ),
        each(bury),
        warning=_(
            "It leaves its queue and is kept; it can be replayed later. Who waits for a reply gets “failed”."
        ),
        takes_note=True,
        applies=lambda message: message.started_at is None,
        records=record_letters,
    ),
)
