"""Filters of the lists of messages and dead letters: what they offer. The rest is done elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from actorqueues.admin.filters import TypeFilter
from actorqueues.admin.message_status import MessageStatus
from actorqueues.diagnosis.mailboxes import known_queues
from actorqueues.models import DeathReason


class Offered(SimpleListFilter):
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class ActorTypeFilter(Offered, TypeFilter):
    title = _("actor type")


class QueueFilter(Offered):
    """Of the chosen type. There is none before: all queues of all types would be a long list."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in sorted(known_queues(request.GET.get("type", "")))]


class StatusFilter(Offered):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return MessageStatus.choices


class ReasonFilter(Offered):
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return DeathReason.choices
