from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.admin import display
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from actorqueues.admin.actor_page import Fact, messages_text
from actorqueues.admin.inspector import Inspector
from actorqueues.admin.live import drawn, live
from actorqueues.diagnosis.conditions import standings
from actorqueues.diagnosis.unclaimed import LARGE
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, Worker
from actorqueues.templatetags.actorqueues_admin import badge, moment, seconds

SECTIONS = {"facts": "worker_facts.html", "holds": "holds.html"}
SHOWN = 100  # actors


class WorkerAdminMixin(Inspector):
    """Worker processes: which run, and what they hold."""

    list_display = ("__str__", "alive", "heartbeat", "busy", "resident", "version", "started_at")
    ordering = ("-started_at",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes: Any = super().get_changelist_instance(request)
        changes.result_list, now = list(changes.result_list), now_of(self.using)
        for worker in changes.result_list:
            worker.condition = condition_of(worker, now)
        return changes

    @display(description=gettext_lazy("status"))
    def alive(self, worker: Any) -> str:
        text: str = worker.condition
        return text

    @display(description=gettext_lazy("heartbeat"))
    def heartbeat(self, worker: Worker) -> str:
        return moment(worker.renewed_at)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_sections"
        view = self.admin_site.admin_view(self.sections_view)
        return [path("<uuid:worker_id>/sections/", view, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.require_view(request)
        worker = self.worker(object_id)
        sections = self.address("sections", worker.pk)
        return self.page(
            request,
            "worker.html",
            str(worker),
            **self.about(request, worker),
            live=live(sections, "overview"),
        )

    def sections_view(self, request: HttpRequest, worker_id: UUID) -> HttpResponse:
        self.require_view(request)
        request.current_app = self.admin_site.name
        return drawn(request, SECTIONS, self.about(request, self.worker(str(worker_id))))

    def worker(self, worker_id: str) -> Worker:
        """Raises ``Http404``."""
        try:
            found = Worker.objects.using(self.using).filter(pk=UUID(worker_id)).first()
        except ValueError:
            found = None
        if found is None:
            raise Http404(_("This worker is gone. Others have taken its actors."))
        return found

    def about(self, request: HttpRequest, worker: Worker) -> dict[str, Any]:
        actors = ActorInstance.objects.using(self.using).filter(worker_id=worker.pk).defer(*LARGE)
        found = list(actors.order_by("id")[: SHOWN + 1])
        return {
            "facts": list(self.facts(worker)),
            "holds": list(self.holds(request, found[:SHOWN])),
            "more": len(found) > SHOWN,
        }

    def facts(self, worker: Worker) -> Iterator[Fact]:
        now = now_of(self.using)
        yield Fact(_("Status"), condition_of(worker, now))
        yield Fact(_("Host"), worker.host)
        yield Fact(_("Process"), worker.pid)
        yield Fact(_("Version"), worker.version)
        yield Fact(_("Started"), moment(worker.started_at))
        yield Fact(_("Heartbeat ago"), seconds((now - worker.renewed_at).total_seconds()))
        yield Fact(_("Busy"), worker.busy)
        yield Fact(_("In memory"), worker.resident)
        yield Fact(_("Actor types"), ", ".join(worker.types.split(",")))

    def holds(self, request: HttpRequest, actors: list[ActorInstance]) -> Iterator[dict[str, Any]]:
        found = standings(actors, self.using)
        for actor in actors:
            standing = found[actor.id]
            yield {
                "actor": actor,
                "address": self.way_to(request, ActorInstance, "change", actor.pk),
                "depth": messages_text(standing.depth),
                "in_flight": [mark for mark in standing.heads if mark.started_at],
            }


def condition_of(worker: Worker, now: datetime) -> str:
    alive = worker.expires_at > now
    return badge("alive" if alive else "gone", _("alive") if alive else _("gone"))
