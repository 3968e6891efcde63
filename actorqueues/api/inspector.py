"""What a person looks at who operates actors: staff only, whatever the hooks say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connections
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import Access, redacted
from actorqueues.api.actors import plain_state, queue_size, summary
from actorqueues.api.addressing import ActorView
from actorqueues.client.operating import exists
from actorqueues.client.targets import Target
from actorqueues.definitions.text import shortened
from actorqueues.models import ActorInstance, DeadLetter, Message
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.history import NOTE_LENGTH, gist
from actorqueues.storage.outcomes import status_of
from actorqueues.web.bodies import RequestInvalid

PENDING = 50
MOST_PENDING = 1000


class ForStaff(BasePermission):
    """DRF's ``IsAdminUser`` for any model of users: not every one has ``is_staff``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return Access(user=request.user).is_staff


class InspectorView(ActorView):
    def get_permissions(self) -> list[Any]:
        return [ForStaff()]

    def row(self) -> ActorInstance | None:
        """Raises ``ActorNotFound``."""
        row = self.present.row()
        if row is None and not exists(self.present):
            raise self.present.not_found()
        return row


class InspectorSummaryView(InspectorView):
    def get(self, request: Request, **parts: str) -> Response:
        row = self.row()
        using, actor_id = self.present.using, self.present.actor_id
        mail = Message.objects.using(using).filter(actor_id=actor_id)
        return Response({
            **self.public,
            **summary(self.present, row),
            "scheduled": mail.scheduled().count(),
            "deadLetters": DeadLetter.objects.using(using).filter(actor_id=actor_id).count(),
            "queues": sorted(self.actor_class.definition.queues),
            "actions": sorted(self.actor_class.definition.actions),
            "heldReason": None if row is None else shortened(row.held_reason, NOTE_LENGTH) or None,
        })  # fmt: skip


class InspectorQueueView(InspectorView):
    """Its pending messages without their bodies."""

    def get(self, request: Request, **parts: str) -> Response:
        limit = self.limit(request)
        self.row()
        ids = first_of(self.present, limit + 1)
        mail = Message.objects.using(self.present.using).defer("body", "meta")
        found = mail.filter(id__in=ids[:limit]).order_by("id")
        now = dialect_for(self.present.using).now(connections[self.present.using])
        return Response({
            "size": queue_size(self.present),
            "limit": limit,
            "truncated": len(ids) > limit,
            "messages": [pending(message, now) for message in found],
        })  # fmt: skip

    def limit(self, request: Request) -> int:
        """Raises ``RequestInvalid``."""
        text = request.query_params.get("limit", str(PENDING))
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_PENDING):
            raise RequestInvalid(f"limit is a number from 1 to {MOST_PENDING}.")
        return int(text)


class InspectorStateView(InspectorView):
    def get(self, request: Request, **parts: str) -> Response:
        self.row()
        state = plain_state(self.actor_class, self.present)
        return Response({"state": redacted(self.actor_class.type_name, "state", "", state)})


class InspectorWorkflowHistoryView(InspectorView):
    """Empty: there are no workflows yet."""

    def get(self, request: Request, **parts: str) -> Response:
        self.row()
        return Response({"entries": []})


def first_of(target: Target, count: int) -> list[int]:
    """The numbers of the first messages of all queues together.

    Each queue is read by itself: "order by id" over several would sort, or walk, all that lies in them.
    """
    dialect, connection = dialect_for(target.using), connections[target.using]
    queues = dialect.queues_with_mail(connection, [target.actor_id])
    marks = dialect.read_marks(connection, [WantedHeads(*place, count) for place in queues])
    return sorted(mark.id for mark in marks)[:count]


def pending(message: Message, now: datetime) -> dict[str, Any]:
    return {
        "id": message.uid.hex,
        "sequence": message.id,
        "queue": message.queue,
        "status": status_of(message, now),
        "attempt": message.attempt,
        "userId": message.user_id,
        "enqueuedAt": message.enqueued_at,
        "startedAt": message.started_at,
        "retryAt": message.retry_at,
        "error": None if message.error is None else gist(message.error),
    }
