from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import display
from django.db.models import QuerySet
from django.db.models.functions import Left, Right
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from actorqueues.admin.actor_page import Fact
from actorqueues.admin.inspector import Inspector
from actorqueues.admin.links import link, link_to_user
from actorqueues.admin.message_filters import ActorTypeFilter, QueueFilter, ReasonFilter
from actorqueues.admin.message_page import attempts
from actorqueues.admin.message_search import UNREAD, asked_for, uid_in
from actorqueues.admin.replaying import OPERATIONS
from actorqueues.admin.texts import cut, envelope, short
from actorqueues.admin.windows import NEWEST, newest
from actorqueues.definitions.keys import actor_id_for
from actorqueues.diagnosis.dead_letters import headline
from actorqueues.diagnosis.unclaimed import find_actors
from actorqueues.models import ActorInstance, DeadLetter, Message
from actorqueues.templatetags.actorqueues_admin import amount, badge, moment, told

FILTERS = {"type": "actor__type", "queue": "queue", "reason": "reason"}
HEAD, TAIL = 300, 500  # characters of an error that a list reads


class DeadLetterAdminMixin(Inspector):
    """Messages that will not be tried again by themselves: the newest first, and one whole."""

    operations = OPERATIONS
    list_display = ("letter", "to", "queue", "why", "attempts", "died", "error_line")
    list_display_links = None
    list_filter = (ActorTypeFilter, QueueFilter, ReasonFilter)
    search_fields = ("uid",)
    search_help_text = _("A message's id, or its actor: type/key")
    ordering = ("-died_at", "-sequence")

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        letters: QuerySet[Any] = super().get_queryset(request).defer(*UNREAD)
        asked = {field: asked_for(request, name) for name, field in FILTERS.items()}
        chosen = {field: value for field, value in asked.items() if value}
        if text := asked_for(request, "q"):
            letters = searched(letters, text)
        elif chosen:
            letters = newest(letters, "died_at")
        return letters.filter(**chosen)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes: Any = super().get_changelist_instance(request)
        ends = changes.result_list.annotate(error_head=Left("error", HEAD), error_tail=Right("error", TAIL))
        changes.result_list = list(ends)
        ids = {letter.actor_id for letter in changes.result_list}
        rows = ActorInstance.objects.using(self.using).filter(id__in=ids).only("id", "type", "key")
        actors = {actor.id: actor for actor in rows}
        for letter in changes.result_list:
            text = actors.get(letter.actor_id, letter.actor_id.hex)
            letter.to_text = link(self, request, ActorInstance, letter.actor_id, text)
        changes.notes += notes(request)
        return changes

    @display(description=_("dead letter"))
    def letter(self, letter: DeadLetter) -> str:
        return format_html('<a href="{}">{}</a>', self.address("change", letter.pk), short(letter.uid))

    @display(description=_("actor"))
    def to(self, letter: Any) -> str:
        text: str = letter.to_text
        return text

    @display(description=_("reason"))
    def why(self, letter: DeadLetter) -> str:
        return badge(letter.reason, letter.get_reason_display())

    @display(description=_("attempts"))
    def attempts(self, letter: DeadLetter) -> int:
        return letter.failures + letter.crashes

    @display(description=_("died"))
    def died(self, letter: DeadLetter) -> str:
        return moment(letter.died_at)

    @display(description=_("error"))
    def error_line(self, letter: Any) -> str:
        head, tail = told(letter.error_head), letter.error_tail or ""
        is_whole = len(head) < HEAD
        return headline(head if is_whole or not head.startswith("Traceback") else f"{head}\n{tail}")[:HEAD]

    # One letter's page

    def mark_of(self, target: DeadLetter) -> str:
        """One that was replayed and died once more has the same id."""
        return target.died_at.isoformat()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One that is gone was replayed, or cleared away: its message's page knows."""
        self.require_view(request)
        uid = uid_in(object_id)
        found = DeadLetter.objects.using(self.using).filter(uid=uid).first() if uid else None
        if found is None:
            elsewhere = self.way_to(request, Message, "change", uid.hex) if uid else ""
            return HttpResponseRedirect(elsewhere or self.address("changelist"))
        actor = next(iter(find_actors([found.actor_id], self.using)), None)
        return self.page(
            request,
            "dead_letter.html",
            gettext("Dead letter %s") % found.uid.hex,
            facts=list(self.facts(request, found, actor)),
            error=cut(told(found.error)),
            operations=[
                {"label": one.label, "address": self.address("operate", one.name)}
                for one in self.offered(request, found)
            ],
            target_key=found.pk,
            **envelope(request, "" if actor is None else actor.type, found.queue, found.body, found.meta),
        )

    def facts(self, request: HttpRequest, letter: DeadLetter, actor: ActorInstance | None) -> Iterator[Fact]:
        to = letter.actor_id.hex if actor is None else actor
        yield Fact(gettext("Reason"), self.why(letter))
        yield Fact(gettext("Died"), moment(letter.died_at))
        yield Fact(gettext("Actor"), link(self, request, ActorInstance, letter.actor_id, to))
        yield Fact(gettext("Queue"), letter.queue)
        yield Fact(gettext("Attempts"), attempts(letter))
        yield Fact(gettext("User"), link_to_user(self, request, letter.user_id))
        yield Fact(gettext("Sent"), moment(letter.enqueued_at))
        yield Fact(gettext("Id"), letter.uid.hex)
        yield Fact(gettext("Number"), letter.sequence)


def searched(letters: QuerySet[Any], text: str) -> QuerySet[Any]:
    uid = uid_in(text)
    if uid is not None:
        return letters.filter(uid=uid)
    type_name, slash, key = text.partition("/")
    return letters.filter(actor_id=actor_id_for(type_name, key)) if slash else letters.none()


def notes(request: HttpRequest) -> Iterator[str]:
    text = asked_for(request, "q")
    if text and uid_in(text) is None and "/" not in text:
        yield gettext("Search for a message's id, or for the actor: type/key.")
    if not text and any(asked_for(request, name) for name in FILTERS):
        yield gettext("Only the newest %s dead letters are looked at.") % amount(NEWEST)
