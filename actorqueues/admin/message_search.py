"""Which messages a list shows. Whatever is asked, only a part of a deep table is looked at, and the list says which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from django.db.models import BooleanField, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext as _

from actorqueues.admin.message_status import MessageStatus
from actorqueues.admin.windows import NEWEST, newest
from actorqueues.definitions.keys import actor_id_for
from actorqueues.diagnosis.underway import Found, in_flight, mail_of, retrying
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, Message, Wake
from actorqueues.templatetags.actorqueues_admin import amount

UNREAD = ("body", "meta", "error")  # may be large, and secret


@dataclass
class MessageSearch:
    using: str
    text: str = ""
    type: str = ""
    queue: str = ""
    status: str = ""
    notes: list[str] = field(default_factory=list)
    """What it did not look at, in words; known once ``rows`` were asked for."""

    @classmethod
    def of(cls, request: HttpRequest, using: str) -> MessageSearch:
        text, type_name, queue, status = (
            asked_for(request, name) for name in ("q", "type", "queue", "status")
        )
        return cls(using, text, type_name, queue, status)

    @cached_property
    def rows(self) -> QuerySet[Message]:
        rows: QuerySet[Message] = self.part()
        if self.queue:
            rows = rows.filter(queue=self.queue)
        if self.status:
            rows = rows.filter(self.in_status())
        return self.of_type(rows) if self.type else rows

    def part(self) -> QuerySet[Message]:
        """Found by a key where there is one, else the newest."""
        messages = Message.objects.using(self.using).defer(*UNREAD)
        if self.text:
            uid = uid_in(self.text)
            return among(messages, self.of_actor()) if uid is None else messages.filter(uid=uid)
        if self.status in (MessageStatus.IN_FLIGHT, MessageStatus.RETRYING):
            return among(messages, self.of_actors())
        if self.type or self.queue or self.status:
            self.note(_("Only the newest %s messages are looked at."), NEWEST)
            return newest(messages, "id")
        return messages

    def of_actor(self) -> list[int]:
        type_name, slash, key = self.text.partition("/")
        if not slash:
            self.notes.append(_("Search for a message's id, or for the actor: type/key."))
            return []
        return self.told(mail_of(actor_id_for(type_name, key), self.using))

    def of_actors(self) -> list[int]:
        find = in_flight if self.status == MessageStatus.IN_FLIGHT else retrying
        return self.told(find(self.using, self.type))

    def told(self, found: Found) -> list[int]:
        if found.actors is not None:
            self.note(_("Only the messages of %s actors are looked at; there are more actors."), found.actors)
        if found.heads is not None:
            self.note(_("Only the first %s messages of each queue are looked at."), found.heads)
        return list(found.ids)

    def in_status(self) -> Q:
        queued, waiting = Q(scheduled_at__isnull=True), Q(started_at__isnull=True)
        match self.status:
            case MessageStatus.SCHEDULED:
                return Q(scheduled_at__isnull=False)
            case MessageStatus.IN_FLIGHT:
                return Q(started_at__isnull=False)
            case MessageStatus.RETRYING:
                return waiting & Q(retry_at__gt=now_of(self.using))
            case MessageStatus.READY:
                due = Q(retry_at__isnull=True) | Q(retry_at__lte=now_of(self.using))
                return queued & waiting & due
        return Q(pk__in=[])

    def of_type(self, rows: QuerySet[Message]) -> QuerySet[Message]:
        """By probes for each row: a join would let the planner begin at the wrong end."""
        actors = ActorInstance.objects.using(self.using).filter(id=OuterRef("actor_id"))
        wakes = Wake.objects.using(self.using).filter(type=self.type, actor_id=OuterRef("actor_id"))
        known, woken = Subquery(actors.values("type")[:1]), Subquery(wakes.values("type")[:1])
        return rows.alias(actor_type=Coalesce(known, woken)).filter(actor_type=self.type)

    def note(self, text: str, count: int) -> None:
        self.notes.append(text % amount(count))


def among(messages: QuerySet[Message], ids: Iterable[int]) -> QuerySet[Message]:
    """Written out: to pass ten thousand parameters takes longer than to find the rows."""
    numbers = ",".join(str(int(id)) for id in ids)
    if not numbers:
        return messages.none()
    return messages.filter(RawSQL(f"actorqueues_message.id IN ({numbers})", (), BooleanField()))


def asked_for(request: HttpRequest, name: str) -> str:
    """PostgreSQL refuses NUL characters in whatever it is asked."""
    return request.GET.get(name, "").replace("\0", "").strip()


def uid_in(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
