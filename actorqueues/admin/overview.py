from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from actorqueues.admin.actor_page import letter_row
from actorqueues.admin.charts import charts
from actorqueues.admin.effective_settings import settings_rows
from actorqueues.admin.inspector import Inspector
from actorqueues.admin.live import drawn, live
from actorqueues.admin.queue_operations import OPERATIONS, QueuePlace
from actorqueues.admin.workers import condition_of
from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.depths import QueueDepth
from actorqueues.diagnosis.doctor import examine
from actorqueues.diagnosis.snapshot import COUNTED, Snapshot, take_snapshot
from actorqueues.diagnosis.statistics import QueueTotal
from actorqueues.models import ActorInstance, DeadLetter, Worker
from actorqueues.templatetags.actorqueues_admin import amount, seconds

SECTIONS = {
    "figures": "figures.html",
    "charts": "charts.html",
    "queues": "queues.html",
    "workers": "workers.html",
    "dead": "newest_dead.html",
}


@dataclass
class Figure:
    """A number at a glance. ``mood``: ``ok``, ``attention`` or nothing; ``address``: where there is more."""

    label: str
    value: Any
    note: str = ""
    mood: str = ""
    address: str = ""


@dataclass
class QueueRow:
    place: QueuePlace
    depth: QueueDepth | None = None
    total: QueueTotal | None = None
    is_paused: bool = False
    has_code: bool = True
    operations: list[dict[str, str]] = field(default_factory=list)


class OverviewAdminMixin(Inspector):
    """All actors together, instead of a list of statistics."""

    operations = OPERATIONS

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        # There is one page of everything, and none of a single row.
        ours = [url for url in super().get_urls() if url.name in (f"{name}_operate", f"{name}_changelist")]
        return [
            path("sections/", view(self.sections_view), name=f"{name}_sections"),
            path("doctor/", view(self.doctor_view), name=f"{name}_doctor"),
            path("settings/", view(self.settings_view), name=f"{name}_settings"),
            *ours,
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self.require_view(request)
        sections = self.address("sections")
        return self.page(
            request,
            "overview.html",
            _("Overview"),
            **self.overview(request),
            live=live(sections, "overview"),
            parents=[],
            doctor_address=self.address("doctor"),
            settings_address=self.address("settings"),
        )

    def sections_view(self, request: HttpRequest) -> HttpResponse:
        self.require_view(request)
        request.current_app = self.admin_site.name
        return drawn(request, SECTIONS, self.overview(request))

    def targets(self, request: HttpRequest, keys: list[str]) -> Sequence[QueuePlace]:
        return [QueuePlace.parse(key) for key in keys]

    def key_of(self, target: QueuePlace) -> str:
        return target.address

    def doctor_view(self, request: HttpRequest) -> HttpResponse:
        """Examines when it is asked to: that takes seconds."""
        self.require_view(request)
        findings = list(examine(self.using)) if request.method == "POST" else None
        return self.page(request, "doctor.html", _("Doctor"), findings=findings)

    def settings_view(self, request: HttpRequest) -> HttpResponse:
        self.require_view(request)
        return self.page(request, "settings.html", _("Settings"), rows=list(settings_rows()))

    def overview(self, request: HttpRequest) -> dict[str, Any]:
        snapshot = take_snapshot(self.using)
        return {
            "snapshot": snapshot,
            "figures": list(self.figures(request, snapshot)),
            "charts": charts(snapshot.statistics),
            "queues": list(self.queue_rows(request, snapshot)),
            "workers": [self.worker_row(request, worker, snapshot) for worker in snapshot.workers],
            "dead": [letter_row(self, request, letter) for letter in snapshot.newest_dead],
            "dead_address": self.way_to(request, DeadLetter, "changelist"),
            "operate_name": ACTION_CHECKBOX_NAME,
            "next": self.address("changelist"),
        }

    def figures(self, request: HttpRequest, snapshot: Snapshot) -> Iterator[Figure]:
        depths = snapshot.depths
        about = "≈ " if any(depth.is_estimate for depth in depths) else ""
        waiting, scheduled = sum(one.waiting for one in depths), sum(one.scheduled for one in depths)
        note = _("and %(count)s scheduled") % {"count": about + amount(scheduled)} if scheduled else ""
        yield Figure(_("Messages waiting"), about + amount(waiting), note)
        yield self.oldest_figure(request, snapshot)
        at_work = amount(snapshot.at_work) + ("" if snapshot.all_awake_seen else "+")
        yield Figure(_("Actors at work"), at_work, address=self.actors(request, "awake"))
        yield self.workers_figure(request, snapshot)
        dead, held = snapshot.dead_letters, snapshot.held_actors
        yield Figure(
            _("Dead letters"),
            bounded(dead),
            mood="attention" if dead else "",
            address=self.way_to(request, DeadLetter, "changelist"),
        )
        yield Figure(
            _("Paused actors"), bounded(snapshot.paused_actors), address=self.actors(request, "paused")
        )
        if held:
            yield Figure(
                _("Stale code"), bounded(held), mood="attention", address=self.actors(request, "stale")
            )

    def actors(self, request: HttpRequest, status: str) -> str:
        actors = self.way_to(request, ActorInstance, "changelist")
        return f"{actors}?status={status}" if actors else ""

    def oldest_figure(self, request: HttpRequest, snapshot: Snapshot) -> Figure:
        label, oldest = _("Oldest waiting message"), snapshot.oldest
        if oldest is None:
            return Figure(label, _("none"), mood="ok")
        age = snapshot.at - oldest.mark.enqueued_at
        return Figure(
            label,
            seconds(age.total_seconds()),
            f"{oldest.actor_type}, {oldest.mark.queue}",
            mood="attention" if age > timedelta(minutes=1) else "",
            address=self.way_to(request, ActorInstance, "change", oldest.actor_id),
        )

    def workers_figure(self, request: HttpRequest, snapshot: Snapshot) -> Figure:
        alive = sum(worker.expires_at > snapshot.at for worker in snapshot.workers)
        return Figure(
            _("Workers"),
            alive,
            mood="ok" if alive else "attention",
            address=self.way_to(request, Worker, "changelist"),
        )

    def worker_row(self, request: HttpRequest, worker: Worker, snapshot: Snapshot) -> dict[str, Any]:
        return {
            "worker": worker,
            "address": self.way_to(request, Worker, "change", worker.pk),
            "status": condition_of(worker, snapshot.at),
            "beat": seconds((snapshot.at - worker.renewed_at).total_seconds()),
        }

    def queue_rows(self, request: HttpRequest, snapshot: Snapshot) -> Iterator[QueueRow]:
        """A row for each type, then one for each of its queues: those in the code, and those with mail or numbers."""
        depths = {(one.actor_type, one.queue): one for one in snapshot.depths}
        totals = {(one.actor_type, one.queue): one for one in snapshot.statistics.queues}
        pauses = {(one.type, one.queue) for one in snapshot.pauses}
        known = {(actor.type_name, queue) for actor in registry.all() for queue in actor.definition.queues}
        places = known | depths.keys() | totals.keys() | pauses
        for type_name, queue in sorted(places | {(type_name, "") for type_name, _queue in places}):
            place = QueuePlace(type_name, queue)
            row = QueueRow(place, depths.get((type_name, queue)), totals.get((type_name, queue)))
            row.is_paused = (type_name, queue) in pauses
            row.has_code = registry.find(type_name) is not None if not queue else (type_name, queue) in known
            row.operations = list(self.queue_operations(request, row))
            yield row

    def queue_operations(self, request: HttpRequest, row: QueueRow) -> Iterator[dict[str, str]]:
        hidden = "pause" if row.is_paused else "resume"
        for one in self.offered(request, row.place):
            if one.name != hidden:
                yield {"label": str(one.label), "address": self.address("operate", one.name)}


def bounded(count: int) -> str:
    return f"{amount(COUNTED)}+" if count > COUNTED else amount(count)
