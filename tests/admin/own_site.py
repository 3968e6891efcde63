"""A site of the project's own, which shows actors and nothing else of ours."""

from django.contrib import admin
from django.urls import path

from actorqueues.admin import ActorAdminMixin
from actorqueues.models import ActorInstance

site = admin.AdminSite(name="ops")


@admin.register(ActorInstance, site=site)
class OnlyActors(ActorAdminMixin, admin.ModelAdmin):
    operations = ActorAdminMixin.operations[:1]


urlpatterns = [path("ops/", site.urls), path("admin/", admin.site.urls)]
