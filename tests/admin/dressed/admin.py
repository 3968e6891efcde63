"""As a project registers the inspector anew, with the ModelAdmin of another package."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from actorqueues.admin import (
    ActorAdminMixin,
    DeadLetterAdminMixin,
    MessageAdminMixin,
    OverviewAdminMixin,
    WorkerAdminMixin,
)
from actorqueues.models import ActorInstance, DeadLetter, Message, Overview, Worker

admin.site.unregister([ActorInstance, DeadLetter, Message, Overview, Worker])


@admin.register(ActorInstance)
class ActorAdmin(ActorAdminMixin, ModelAdmin):
    pass


@admin.register(DeadLetter)
class DeadLetterAdmin(DeadLetterAdminMixin, ModelAdmin):
    pass


@admin.register(Message)
class MessageAdmin(MessageAdminMixin, ModelAdmin):
    pass


@admin.register(Overview)
class OverviewAdmin(OverviewAdminMixin, ModelAdmin):
    pass


@admin.register(Worker)
class WorkerAdmin(WorkerAdminMixin, ModelAdmin):
    pass
