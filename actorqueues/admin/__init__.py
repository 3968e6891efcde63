"""The inspector: what actors are doing, in Django's admin. Registered on the default site; see docs/how-to/admin.md."""

from __future__ import annotations

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


@admin.register(Overview)
class OverviewAdmin(OverviewAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    pass


@admin.register(ActorInstance)
class ActorAdmin(ActorAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    pass


@admin.register(Message)
class MessageAdmin(MessageAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    pass


@admin.register(DeadLetter)
class DeadLetterAdmin(DeadLetterAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    pass


@admin.register(Worker)
class WorkerAdmin(WorkerAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    pass
