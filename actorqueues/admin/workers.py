from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.admin import display
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

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
        worker_id = id_in(object_id)
        worker = self.row(worker_id)
        title = _("Worker %s") % worker_id.hex if worker is None else str(worker)
        live_parts = None if worker is None else live(self.address("sections", worker_id), "overview")
        answer = self.page(
            request, "worker.html", title, **self.about(request, worker_id, worker), live=live_parts
        )
        answer.status_code = 404 if worker is None else 200
        return answer

    def sections_view(self, request: HttpRequest, worker_id: UUID) -> HttpResponse:
        """Of a worker whose row is gone too: who asks has seen it alive."""
        self.require_view(request)
        request.current_app = self.admin_site.name
        worker = self.row(worker_id)
        context = self.about(request, worker_id, worker)
        if worker is None:
            context["facts"] = list(last_facts(now_of(self.using)))
        return drawn(request, SECTIONS, context, is_over=worker is None)

    def row(self, worker_id: UUID) -> Worker | None:
        return Worker.objects.using(self.using).filter(pk=worker_id).first()

    def about(self, request: HttpRequest, worker_id: UUID, worker: Worker | None) -> dict[str, Any]:
        actors = ActorInstance.objects.using(self.using).filter(worker_id=worker_id).defer(*LARGE)
        found = list(actors.order_by("id")[: SHOWN + 1])
        return {
            "facts": [] if worker is None else list(facts(worker, now_of(self.using))),
            "lasting": [] if worker is None else list(lasting_facts(worker)),
            "holds": list(self.holds(request, found[:SHOWN])),
            "more": len(found) > SHOWN,
        }

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


def id_in(text: str) -> UUID:
    """Raises ``Http404``."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def condition_of(worker: Worker, now: datetime) -> str:
    """A lease that has run out is never renewed: the worker has ended, however it did."""
    if worker.expires_at > now:
        return badge("alive", _("alive"))
    word = pgettext("before a time", "at")
    return format_html("{} {} {}", badge("ended", _("ended")), word, moment(worker.expires_at))


def facts(worker: Worker, now: datetime) -> Iterator[Fact]:
    """Those that change."""
    yield Fact(_("Status"), condition_of(worker, now))
    yield Fact(_("Heartbeat ago"), seconds((now - worker.renewed_at).total_seconds()))
    yield Fact(_("Busy"), worker.busy)
    yield Fact(_("In memory"), worker.resident)


def lasting_facts(worker: Worker) -> Iterator[Fact]:
    yield Fact(_("Host"), worker.host)
    yield Fact(_("Process"), worker.pid)
    yield Fact(_("Version"), worker.version)
    yield Fact(_("Started"), moment(worker.started_at))
    yield Fact(_("Actor types"), ", ".join(worker.types.split(",")))


def last_facts(now: datetime) -> Iterator[Fact]:
    """Of one whose row is gone: the time of its end is known to who was looking, and went with it."""
    word = pgettext("before a time", "before")
    yield Fact(_("Status"), format_html("{} {} {}", badge("ended", _("ended")), word, moment(now)))
