"""What one actor's page shows. Each section is drawn anew while somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db import connections
from django.http import HttpRequest
from django.utils.translation import gettext as _

from actorqueues.admin.links import link
from actorqueues.admin.message_status import written_status
from actorqueues.admin.payloads import may_view_payloads, payload
from actorqueues.admin.texts import cut
from actorqueues.definitions.keys import public_id
from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.conditions import DEPTH_LIMIT, Standing, standings
from actorqueues.diagnosis.history import read_history
from actorqueues.diagnosis.mailboxes import known_queues
from actorqueues.diagnosis.unclaimed import is_unclaimed
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, DeadLetter, Event, Message, Worker
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.history import gist
from actorqueues.templatetags.actorqueues_admin import EMPTY, amount, badge, moment, told

if TYPE_CHECKING:
    from actorqueues.admin.inspector import Inspector

SECTIONS = {
    "facts": "actor_facts.html",
    "operations": "actor_operations.html",
    "state": "actor_state.html",
    "mailbox": "mailbox.html",
    "events": "events.html",
    "history": "history.html",
}
HEADS = 20  # messages shown of each queue
SHOWN = 20  # events, scheduled messages, dead letters


@dataclass(frozen=True)
class Fact:
    label: str
    value: Any


def actor_context(admin: Inspector, request: HttpRequest, actor: ActorInstance) -> dict[str, Any]:
    using, standing = admin.using, standings([actor], admin.using)[actor.id]
    return {
        "actor": actor,
        "facts": list(facts(admin, request, actor, standing)),
        "held_reason": cut(actor.held_reason),
        "operations": [
            {"label": one.label, "address": admin.address("operate", one.name)}
            for one in admin.offered(request, actor)
        ],
        "target_key": actor.pk,
        "here": admin.address("change", actor.pk),
        "state": payload(request, actor.type, "state", "", actor.state),
        "edit_address": edit_address(admin, request, actor),
        "mailbox": mailbox(admin, request, actor, standing),
        "sending": list(places_to_send(admin, request, actor)),
        "events": list(events(request, actor, using)),
        "history": read_history(actor.id, using),
        "shows_notes": bool(admin.way_to(request, Message, "changelist")),  # errors are among them
        "dead_letters": dead_letters(admin, request, actor),
    }


def facts(admin: Inspector, request: HttpRequest, actor: ActorInstance, standing: Standing) -> Iterator[Fact]:
    yield Fact(_("Status"), badge(standing.condition))
    yield Fact(_("Type"), actor.type)
    yield Fact(_("Key"), actor.key)
    yield Fact(_("Mailbox"), messages_text(standing.depth))
    if actor.paused_at:
        yield Fact(_("Paused since"), moment(actor.paused_at))
    if actor.worker_id:
        worker = Worker.objects.using(admin.using).filter(id=actor.worker_id).first()
        gone = _("one that is gone: the actor is taken over soon")
        yield Fact(_("Worker"), link(admin, request, Worker, worker.pk, worker) if worker else gone)
    elif actor.wake_at:
        yield Fact(_("Wakes at"), moment(actor.wake_at))
    if is_unclaimed(actor):
        yield Fact(_("Created"), _("not yet: no worker has taken its first message"))
        return
    yield Fact(_("Created"), moment(actor.created_at))
    yield Fact(_("Last activity"), _("now") if actor.worker_id else moment(actor.active_at))
    yield Fact(_("Id"), public_id(actor.id, actor.generation))
    yield Fact(_("Epoch"), actor.epoch)


def messages_text(depth: int) -> str:
    return f"{amount(DEPTH_LIMIT)}+" if depth > DEPTH_LIMIT else amount(depth)


def edit_address(admin: Inspector, request: HttpRequest, actor: ActorInstance) -> str:
    """Empty where it cannot be edited now, by this person."""
    allowed = request.user.has_perm("actorqueues.change_actorinstance") and may_view_payloads(request)
    # Before its first message it has none: whoever claims it first makes it, from its input.
    asleep = actor.worker_id is None and actor.initialised_at is not None
    known = registry.find(actor.type) is not None
    return admin.address("state", actor.pk) if allowed and asleep and known else ""


def mailbox(
    admin: Inspector, request: HttpRequest, actor: ActorInstance, standing: Standing
) -> dict[str, Any]:
    """The first messages of each queue, in order; what is in flight is at the head."""
    messages = Message.objects.using(admin.using).defer("body", "meta")
    dialect, connection = dialect_for(admin.using), connections[admin.using]
    queues = dialect.queues_with_mail(connection, [actor.id])
    marks = dialect.read_marks(connection, [WantedHeads(*place, HEADS) for place in queues])
    heads = list(messages.filter(id__in=[mark.id for mark in marks]).order_by("id"))
    scheduled = messages.scheduled().filter(actor_id=actor.id).order_by("scheduled_at")[:SHOWN]
    now = now_of(admin.using)
    return {
        "rows": [row_of(admin, request, message, now) for message in (*heads, *scheduled)],
        "more": standing.depth > len(heads),
        "depth": messages_text(standing.depth),
    }


def row_of(admin: Inspector, request: HttpRequest, message: Message, now: datetime) -> dict[str, Any]:
    address = admin.way_to(request, Message, "change", message.pk)
    return {
        "message": message,
        "status": written_status(message, now),
        "address": address,
        "error": gist(message.error or "") if address else "",  # it may quote what the message holds
    }


def places_to_send(admin: Inspector, request: HttpRequest, actor: ActorInstance) -> Iterator[dict[str, str]]:
    if address := admin.way_to(request, Message, "add"):
        for queue in known_queues(actor.type):
            query = urlencode({"type": actor.type, "key": actor.key, "queue": queue})
            yield {"queue": queue, "address": f"{address}?{query}"}


def events(request: HttpRequest, actor: ActorInstance, using: str) -> Iterator[dict[str, Any]]:
    for event in Event.objects.using(using).filter(actor_id=actor.id).order_by("-id")[:SHOWN]:
        yield {"event": event, "data": payload(request, actor.type, "event", event.name, event.data)}


def dead_letters(admin: Inspector, request: HttpRequest, actor: ActorInstance) -> dict[str, Any]:
    newest = DeadLetter.objects.using(admin.using).filter(actor_id=actor.id).defer("body", "meta")
    found = list(newest.order_by("-died_at")[: SHOWN + 1])
    return {
        "letters": [letter_row(admin, request, one) for one in found[:SHOWN]],
        "more": len(found) > SHOWN,
    }


def letter_row(admin: Inspector, request: HttpRequest, letter: DeadLetter) -> dict[str, Any]:
    """``error`` only for whoever may see the letter: it may quote what it holds."""
    address = admin.way_to(request, DeadLetter, "change", letter.pk)
    return {
        "letter": letter,
        "address": address,
        "error": gist(told(letter.error) or EMPTY) if address else "",
    }
