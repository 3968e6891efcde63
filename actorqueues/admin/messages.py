from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from actorqueues.admin import confirming
from actorqueues.admin.inspector import Inspector
from actorqueues.admin.links import link
from actorqueues.admin.live import drawn, live
from actorqueues.admin.message_filters import ActorTypeFilter, QueueFilter, StatusFilter
from actorqueues.admin.message_operations import OPERATIONS
from actorqueues.admin.message_page import SECTIONS, Look, look_for
from actorqueues.admin.message_search import MessageSearch, uid_in
from actorqueues.admin.message_status import written_status
from actorqueues.admin.sending import SendingMixin
from actorqueues.admin.texts import short
from actorqueues.diagnosis.unclaimed import receivers_of
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, Message
from actorqueues.templatetags.actorqueues_admin import moment


class MessageAdminMixin(SendingMixin, Inspector):
    """Messages that are stored: which there are, and one's own page, also when it is gone."""

    operations = OPERATIONS
    list_display = ("message", "to", "queue", "status", "attempt", "sender", "enqueued")
    list_display_links = None
    list_filter = (StatusFilter, ActorTypeFilter, QueueFilter)
    search_fields = ("uid",)
    search_help_text = _("A message's id, or its actor: type/key")
    ordering = ("-id",)
    change_list_template = "admin/actorqueues/messages.html"

    # The list

    def search(self, request: HttpRequest) -> MessageSearch:
        """Kept with the request: the list asks for it, and for what it did not look at."""
        kept: Any = request
        if not hasattr(kept, "message_search"):
            kept.message_search = MessageSearch.of(request, self.using)
        found: MessageSearch = kept.message_search
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.search(request).rows

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes: Any = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        actors = receivers_of(changes.result_list, self.using)
        now = now_of(self.using)
        for message in changes.result_list:
            message.status_text = written_status(message, now)
            text = actors.get(message.actor_id, message.actor_id.hex)
            message.to_text = link(self, request, ActorInstance, message.actor_id, text)
        changes.notes += self.search(request).notes
        return changes

    @display(description=_("message"))
    def message(self, message: Message) -> str:
        return format_html('<a href="{}">{}</a>', self.address("change", message.uid.hex), short(message.uid))

    @display(description=_("actor"))
    def to(self, message: Any) -> str:
        text: str = message.to_text
        return text

    @display(description=_("status"))
    def status(self, message: Any) -> str:
        text: str = message.status_text
        return text

    @display(description=_("attempt"))
    def attempt(self, message: Message) -> int:
        return message.attempt

    @display(description=_("user"), empty_value="-")
    def sender(self, message: Message) -> str | None:
        return message.user_id

    @display(description=_("sent"))
    def enqueued(self, message: Message) -> str:
        return moment(message.enqueued_at)

    # One message's page

    def way_back(self, request: HttpRequest) -> str:
        """What was cancelled has no page any more."""
        back = super().way_back(request)
        name = request.resolver_match.kwargs.get("name") if request.resolver_match else None
        of_list = self.address("changelist")
        if name == "cancel" and confirming.FIELD in request.POST and urlsplit(back).path != of_list:
            return of_list
        return back

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_sections"
        view = self.admin_site.admin_view(self.sections_view)
        return [path("<uuid:uid>/sections/", view, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """By its id. Its number leads there too, while it is stored."""
        self.require_view(request)
        uid = uid_in(object_id)
        if uid is None:
            return HttpResponseRedirect(self.address("change", self.uid_of(object_id).hex))
        found = self.look(request, uid)
        watched = (
            live(self.address("sections", uid), f"actor:{found.actor_id.hex}") if found.actor_id else None
        )
        answer = self.page(request, "message.html", found.title, **found.context, live=watched)
        answer.status_code = 200 if found.is_known else 404
        return answer

    def sections_view(self, request: HttpRequest, uid: UUID) -> HttpResponse:
        self.require_view(request)
        request.current_app = self.admin_site.name
        return drawn(request, SECTIONS, self.look(request, uid).context)

    def look(self, request: HttpRequest, uid: UUID) -> Look:
        return look_for(self, request, uid)

    def uid_of(self, number: str) -> UUID:
        """Raises ``Http404``."""
        if number.isdecimal() and len(number) < 20:
            stored = Message.objects.using(self.using).filter(pk=int(number))
            uid = stored.values_list("uid", flat=True).first()
            if uid is not None:
                return uid
        raise Http404(_("There is no such message in the store. It was settled, or there never was one."))
