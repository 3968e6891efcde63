"""What one message's page shows: the message, or what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from actorqueues.admin.actor_page import Fact
from actorqueues.admin.links import link, link_to_user
from actorqueues.admin.message_status import written_status
from actorqueues.admin.payloads import payload
from actorqueues.admin.texts import cut, envelope
from actorqueues.diagnosis.unclaimed import find_actors
from actorqueues.diagnosis.waiting import MOST_BEFORE, Reason, Wait, wait_of
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, DeadLetter, Message
from actorqueues.storage.outcomes import StoredOutcome, read_outcomes
from actorqueues.templatetags.actorqueues_admin import amount, badge, moment, told

if TYPE_CHECKING:
    from actorqueues.admin.inspector import Inspector

SECTIONS = {"message": "message.html"}


@dataclass
class Look:
    title: str
    context: dict[str, Any] = field(default_factory=dict)
    actor_id: UUID | None = None
    is_known: bool = True


def look_for(admin: Inspector, request: HttpRequest, uid: UUID) -> Look:
    """The store first: what becomes of a message is written as it leaves."""
    message = Message.objects.using(admin.using).filter(uid=uid).first()
    if message is not None:
        return of_message(admin, request, message)
    letter = DeadLetter.objects.using(admin.using).filter(uid=uid).defer("body", "meta", "error").first()
    outcome = read_outcomes([uid], using=admin.using).get(uid)
    title = _("Message %s") % uid.hex
    if letter is not None:
        return Look(title, {"gone": gone_as_letter(admin, request, letter)}, letter.actor_id)
    if outcome is not None:
        return Look(title, of_outcome(admin, request, outcome), outcome.actor_id)
    gone = _(
        "Nothing is kept of this message: it was settled and its outcome is forgotten, or it was never sent."
    )
    return Look(title, {"gone": gone}, is_known=False)


def of_message(admin: Inspector, request: HttpRequest, message: Message) -> Look:
    actor = next(iter(find_actors([message.actor_id], admin.using)), None)
    type_name = "" if actor is None else actor.type
    context = {
        "facts": list(facts(admin, request, message, actor)),
        "error": cut(message.error),
        "operations": [
            {"label": one.label, "address": admin.address("operate", one.name)}
            for one in admin.offered(request, message)
        ],
        "target_key": message.pk,
        "here": admin.address("change", message.uid.hex),
        **envelope(request, type_name, message.queue, message.body, message.meta),
    }
    return Look(_("Message %s") % message.uid.hex, context, message.actor_id)


def facts(
    admin: Inspector, request: HttpRequest, message: Message, actor: ActorInstance | None
) -> Iterator[Fact]:
    wait = wait_of(message, actor, admin.using)
    to = message.actor_id.hex if actor is None else actor
    yield Fact(_("Status"), written_status(message, now_of(admin.using)))
    if wait.reason is not Reason.NOTHING:
        yield Fact(_("Waits for"), waited_for(wait))
    yield Fact(_("Actor"), link(admin, request, ActorInstance, message.actor_id, to))
    yield Fact(_("Queue"), message.queue)
    yield Fact(_("Attempt"), attempts(message))
    yield Fact(_("User"), link_to_user(admin, request, message.user_id))
    yield Fact(_("Sent"), moment(message.enqueued_at))
    if message.expires_at is not None:
        yield Fact(_("Expires"), moment(message.expires_at))
    if message.keeps_outcome:
        yield Fact(_("Outcome"), _("is kept for a while after it is settled"))
    yield Fact(_("Id"), message.uid.hex)
    yield Fact(_("Number"), message.pk)


def attempts(message: Message | DeadLetter) -> str:
    """``3 (1 failure, 1 crash before)``"""
    failures = ngettext("%(count)d failure", "%(count)d failures", message.failures)
    crashes = ngettext("%(count)d crash", "%(count)d crashes", message.crashes)
    before = f"{failures % {'count': message.failures}}, {crashes % {'count': message.crashes}}"
    tried = message.failures + message.crashes
    number = message.attempt if isinstance(message, Message) else tried
    return f"{number} ({before})" if tried else str(number)


def waited_for(wait: Wait) -> str:
    words = {
        Reason.END: _("nothing: its actor is being destroyed, and it goes with it"),
        Reason.HELD: _("its actor to be resumed: its stored state does not load with this code"),
        Reason.ACTOR_PAUSED: _("its actor to be resumed"),
        Reason.TYPE_PAUSED: _("its actor type to be resumed"),
        Reason.QUEUE_PAUSED: _("its queue to be resumed"),
        Reason.CODE: _("code: this project has none for its actor type or queue"),
        Reason.NO_WORKER: _("a worker: none is alive"),
        Reason.UNSERVED: _("a worker that serves its actor type: none that lives does"),
        Reason.WORKER: _("a worker to take it: that is soon"),
    }
    if wait.reason is Reason.TURN:
        count = f"{amount(MOST_BEFORE)}+" if wait.before > MOST_BEFORE else amount(wait.before)
        text = ngettext(
            "%(count)s message before it in its queue",
            "%(count)s messages before it in its queue",
            wait.before,
        )
        return text % {"count": count}
    if wait.until is not None:
        word = _("its time,") if wait.reason is Reason.TIME else _("its next attempt,")
        return format_html("{} {}", word, moment(wait.until))
    return words[wait.reason]


def gone_as_letter(admin: Inspector, request: HttpRequest, letter: DeadLetter) -> str:
    text = _("It is a dead letter: %s.") % letter.get_reason_display()
    address = admin.way_to(request, DeadLetter, "change", letter.pk)
    return format_html('{} <a href="{}">{}</a>', text, address, _("Look at it")) if address else text


def of_outcome(admin: Inspector, request: HttpRequest, outcome: StoredOutcome) -> dict[str, Any]:
    actor = next(iter(find_actors([outcome.actor_id], admin.using)), None)
    to = outcome.actor_id.hex if actor is None else actor
    is_completed = outcome.status == "completed"
    text = (
        _("It is no longer stored: it was completed.")
        if is_completed
        else _("It is no longer stored: it failed.")
    )
    return {
        "gone": text,
        "facts": [
            Fact(_("Status"), badge(outcome.status, _("completed") if is_completed else _("failed"))),
            Fact(_("Actor"), link(admin, request, ActorInstance, outcome.actor_id, to)),
            Fact(_("Queue"), outcome.queue),
            Fact(_("User"), link_to_user(admin, request, outcome.user_id)),
            Fact(_("Id"), outcome.uid.hex),
        ],
        "error": cut(told(outcome.error)),
        "reply": payload(request, "" if actor is None else actor.type, "reply", outcome.queue, outcome.reply)
        if is_completed
        else None,
    }
