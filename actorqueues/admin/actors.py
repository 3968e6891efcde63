from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from actorqueues.admin.actor_operations import OPERATIONS
from actorqueues.admin.actor_page import SECTIONS, actor_context, messages_text
from actorqueues.admin.filters import ConditionFilter, TypeFilter
from actorqueues.admin.inspector import Inspector
from actorqueues.admin.live import drawn, live
from actorqueues.admin.state_editing import StateEditing
from actorqueues.definitions.keys import actor_id_for
from actorqueues.diagnosis.conditions import Condition, standings
from actorqueues.diagnosis.unclaimed import LARGE, find_actors
from actorqueues.models import ActorInstance
from actorqueues.templatetags.actorqueues_admin import badge, moment


class ActorAdminMixin(StateEditing, Inspector):
    """Actors: which there are, and one's own page."""

    operations = OPERATIONS
    list_display = ("address_text", "condition", "depth", "last_activity")
    list_display_links = ("address_text",)
    list_filter = (ConditionFilter, TypeFilter)
    search_fields = ("key",)
    search_help_text = _("A part of the key, or type/key")
    ordering = ("type", "key")

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer(*LARGE)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes: Any = super().get_changelist_instance(request)
        rows = list(changes.result_list)
        found = standings(rows, self.using)
        for row in rows:
            row.standing = found[row.id]
        changes.result_list = rows
        changes.notes += notes(changes)
        return changes

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Case-sensitive, as keys are. A whole address is found by its id."""
        if not search_term:
            return queryset, False
        type_name, slash, key = search_term.partition("/")
        found = queryset.filter(key__contains=search_term)
        return (found | queryset.filter(id=actor_id_for(type_name, key)) if slash else found), False

    @display(description=_("actor"))
    def address_text(self, actor: ActorInstance) -> str:
        return str(actor)

    @display(description=_("status"))
    def condition(self, actor: Any) -> str:
        return badge(actor.standing.condition)

    @display(description=_("mailbox"))
    def depth(self, actor: Any) -> str:
        return messages_text(actor.standing.depth)

    @display(description=_("last activity"))
    def last_activity(self, actor: ActorInstance) -> str:
        if actor.worker_id is not None:
            return str(_("now"))
        return moment(actor.active_at or actor.initialised_at or actor.created_at)

    # One actor's page

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("<uuid:actor_id>/sections/", view(self.sections_view), name=f"{name}_sections"),
            path("<uuid:actor_id>/state/", view(self.state_view), name=f"{name}_state"),
            *super().get_urls(),
        ]

    def targets(self, request: HttpRequest, keys: list[str]) -> list[ActorInstance]:
        try:
            ids = [UUID(key) for key in keys]
        except ValueError:
            raise Http404 from None
        return find_actors(ids, self.using)

    def mark_of(self, target: ActorInstance) -> str:
        """One that was destroyed and made anew has the same key."""
        return str(target.generation)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.require_view(request)
        try:
            actor = self.actor(UUID(object_id))
        except ValueError:
            raise Http404 from None
        sections = self.address("sections", actor.pk)
        return self.page(
            request,
            "actor.html",
            str(actor),
            **actor_context(self, request, actor),
            live=live(sections, f"actor:{actor.pk.hex}"),
        )

    def sections_view(self, request: HttpRequest, actor_id: UUID) -> HttpResponse:
        self.require_view(request)
        request.current_app = self.admin_site.name
        return drawn(request, SECTIONS, actor_context(self, request, self.actor(actor_id)))


def notes(changes: Any) -> list[str]:
    """Of the sleeping actors that were not looked at."""
    filters = (spec for spec in changes.filter_specs if isinstance(spec, ConditionFilter))
    chosen = next(filters, None)
    looked_at = chosen.selection.looked_at if chosen and chosen.selection else None
    if chosen is None or looked_at is None:
        return []
    text = ngettext(
        "Looked for in the one sleeping actor that wakes next.",
        "Looked for in the %(count)d sleeping actors that wake next.",
        looked_at,
    )
    found = [text % {"count": looked_at}]
    if chosen.value() == Condition.ASLEEP:
        found.append(
            gettext("Of those that wake later it is not known whether they back off: they are not listed.")
        )
    return found
