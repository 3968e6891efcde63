"""The inspector: what actors are doing, in Django's admin. Registered on the default site; see docs/how-to/admin.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from actorqueues.admin.actors import ActorAdminMixin
from actorqueues.admin.dead_letters import DeadLetterAdminMixin
from actorqueues.admin.messages import MessageAdminMixin
from actorqueues.admin.operations import Done, Operation, Operator
from actorqueues.admin.overview import OverviewAdminMixin
from actorqueues.admin.workers import WorkerAdminMixin
from actorqueues.models import ActorInstance, DeadLetter, Message, Overview, Worker

__all__ = [
    "ActorAdminMixin",
    "DeadLetterAdminMixin",
    "Done",
    "MessageAdminMixin",
    "Operation",
    "Operator",
    "OverviewAdminMixin",
    "WorkerAdminMixin",
]

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # it takes no parameter where it runs


@admin.register(Overview)
class OverviewAdmin(OverviewAdminMixin, ModelAdmin):
    pass


@admin.register(ActorInstance)
class ActorAdmin(ActorAdminMixin, ModelAdmin):
    pass


@admin.register(Message)
class MessageAdmin(MessageAdminMixin, ModelAdmin):
    pass


@admin.register(DeadLetter)
class DeadLetterAdmin(DeadLetterAdminMixin, ModelAdmin):
    pass


@admin.register(Worker)
class WorkerAdmin(WorkerAdminMixin, ModelAdmin):
    pass
