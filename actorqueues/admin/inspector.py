"""What all pages of the inspector have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ModelAdmin, ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import DataError, connections
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.transaction import non_atomic_requests
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from actorqueues.admin import confirming
from actorqueues.admin.answers import failure_text, shortfalls
from actorqueues.admin.operations import Done, Operation, Operator
from actorqueues.admin.windows import BoundedPaginator
from actorqueues.conf import settings
from actorqueues.templatetags.actorqueues_admin import amount

if TYPE_CHECKING:  # ModelAdmin itself comes with what this is mixed into

    class Base(ModelAdmin[Any]): ...

else:
    Base = object

SHOWN = 20  # targets on the page that asks
MOST_TARGETS = 1_000  # of a whole list at once


class Inspector(Base):
    """To look at, and to operate through the same functions as everything else: nothing is written past them.

    Mix it in before a ``ModelAdmin`` of any kind: Django's, or that of a package that dresses the admin.
    """

    operations: ClassVar[Sequence[Operation[Any]]] = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    show_facets = ShowFacets.NEVER  # each would count
    sortable_by = ()  # an order that no index gives would sort a million rows
    change_list_template = "admin/actorqueues/list.html"

    class Media:
        css = {"all": ["actorqueues/admin/inspector.css"]}
        js = [Script("actorqueues/admin/inspector.js", type="module")]

    @property
    def using(self) -> str:
        return settings.DATABASE

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.using(self.using)
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """``get_queryset`` has searched: in ways that fields alone do not tell."""
        return queryset, False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """No field in an address but those of filters: a payload could be asked for letter by letter, unseen."""
        name = lookup.split(LOOKUP_SEP)[0]
        allowed = super().lookup_allowed(lookup, value, request)
        return allowed and (name in self.filtered_by(request) or not has_field(self.opts, name))

    def filtered_by(self, request: HttpRequest) -> set[Any]:
        """The fields that the filters of the list are about, or what stands for them in an address."""
        names = (one[0] if isinstance(one, tuple | list) else one for one in self.get_list_filter(request))
        return {self.date_hierarchy} | {getattr(name, "parameter_name", name) for name in names}

    # Rows change by operations, never by Django's own forms.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    # Pages

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        if ORDER_VAR in request.GET and not self.get_sortable_by(request):  # Django asks that for links only
            asked: Any = request.GET.copy()
            del asked[ORDER_VAR]
            request.GET = asked
        changes: Any = super().get_changelist_instance(request)
        changes.title = capfirst(changes.title)  # some languages begin it with the model's name
        changes.notes = [changes.paginator.note] if changes.paginator.note else []
        return changes

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            f"admin/actorqueues/{template}",
            {**self.admin_site.each_context(request), **self.frame(), "title": title, **context},
        )

    def frame(self) -> dict[str, Any]:
        """What the templates ask for besides the site's own context."""
        parents = [(capfirst(self.opts.verbose_name_plural), self.address("changelist"))]
        return {"opts": self.opts, "app_label": self.opts.app_label, "media": self.media, "parents": parents}

    def address(self, page: str, *args: Any) -> str:
        """Of a page of this model, on this site: ``changelist``, ``change``, ``operate``, …"""
        return self.address_of(self.model, page, *args)

    def address_of(self, model: Any, page: str, *args: Any) -> str:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def way_to(self, request: HttpRequest, model: Any, page: str, *args: Any) -> str:
        """The same of another model; empty where this site has none of it, or none for this person."""
        other = self.admin_site._registry.get(model)
        if other is None:
            return ""
        allows = other.has_add_permission if page == "add" else other.has_view_permission
        return self.address_of(model, page, *args) if allows(request) else ""

    # Operations

    def get_urls(self) -> list[URLPattern]:
        model = f"{self.opts.app_label}_{self.opts.model_name}"
        operate = self.admin_site.admin_view(self.operate_view)
        urls = [path("operate/<slug:name>/", operate, name=f"{model}_operate"), *super().get_urls()]
        # What is done in many short transactions would lock in one long one all that it touches.
        # (On every database: which one is ours is not asked while URLs are read, or wrong settings would break those.)
        for alias in connections:
            non_atomic_requests(using=alias)(urls[0].callback)
        return urls

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """``action_location`` comes with Django 6.1."""
        where = () if action_location is None else (action_location,)
        allowed = [one for one in self.operations if one.allowed_to(request.user)]
        actions = {one.name: (self.action_of(one), one.name, one.label) for one in allowed}
        return {**super().get_actions(request, *where), **actions}

    def action_of(self, operation: Operation[Any]) -> Callable[..., HttpResponse | None]:
        return lambda _, request, queryset: self.operate_on_list(request, operation, queryset)

    def operate_on_list(
        self, request: HttpRequest, operation: Operation[Any], rows: QuerySet[Any]
    ) -> HttpResponse | None:
        """Only asks. A list may be as long as its table, and longer once the answer comes."""
        if not operation.allowed_to(request.user):
            raise PermissionDenied
        targets = list(rows[: MOST_TARGETS + 1])
        if not targets:
            self.tell(request, operation, Done())
            return None
        note = ""
        if len(targets) > MOST_TARGETS:
            text = _("These are only the first %s of the list. Do it again for the others.")
            note = text % amount(MOST_TARGETS)
        return self.ask(request, operation, targets[:MOST_TARGETS], request.get_full_path(), note)

    def offered(self, request: HttpRequest, target: Any) -> list[Operation[Any]]:
        """What this user can do to this object now."""
        return [one for one in self.operations if one.allowed_to(request.user) and one.applies(target)]

    def key_of(self, target: Any) -> str:
        """As forms carry it, and ``targets`` reads it."""
        return str(target.pk)

    def mark_of(self, target: Any) -> str:
        """What tells a target from another one that may stand under its key later."""
        return ""

    def targets(self, request: HttpRequest, keys: list[str]) -> Sequence[Any]:
        """What the keys in a form stand for; those that are gone are left out."""
        try:
            return list(self.model._default_manager.using(self.using).filter(pk__in=keys))
        except (ValueError, ValidationError, OverflowError, DataError):  # no keys of ours
            raise Http404 from None

    def operate_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Asks first; does it when the answer comes. An object's own page and the lists both lead here."""
        operation = next((one for one in self.operations if one.name == name), None)
        if operation is None:
            raise Http404
        self.require_view(request)
        if not operation.allowed_to(request.user):
            raise PermissionDenied
        if request.method != "POST":  # from logging in anew: what was asked, or confirmed, is lost
            self.tell(request, operation, Done())
            return HttpResponseRedirect(self.address("changelist"))
        back = self.way_back(request)
        if confirming.FIELD in request.POST:
            self.operate(request, operation, confirming.read(request.POST[confirming.FIELD]))
            return HttpResponseRedirect(back)
        targets = self.targets(request, request.POST.getlist(ACTION_CHECKBOX_NAME)[:MOST_TARGETS])
        if targets:
            return self.ask(request, operation, targets, back)
        self.tell(request, operation, Done())
        return HttpResponseRedirect(back)

    def operate(self, request: HttpRequest, operation: Operation[Any], marks: dict[str, str]) -> None:
        """On what was shown, as far as it is still there."""
        found = self.targets(request, list(marks)[:MOST_TARGETS])
        confirmed = confirming.Confirmed.of(marks, found, self.key_of, self.mark_of)
        note = request.POST.get("note", "")[:200].strip()
        operator = Operator(request.user, self.using, note, confirming.read_seen(request, operation.sees))
        done = operation.carry_out(confirmed.targets, operator)
        for target in confirmed.changed:
            done.refuse(_("it is another one than the one you were asked about."), target)
        done.gone = confirmed.gone
        self.tell(request, operation, done)

    def ask(
        self,
        request: HttpRequest,
        operation: Operation[Any],
        targets: Sequence[Any],
        back: str,
        note: str = "",
    ) -> HttpResponse:
        return self.page(
            request,
            "confirm.html",
            str(operation.label),
            operation=operation,
            question=operation.question % {"count": len(targets)},
            note=note,
            targets=targets[:SHOWN],
            more=max(0, len(targets) - SHOWN),
            answer=self.address("operate", operation.name),
            confirmed=confirming.written(targets, self.key_of, self.mark_of),
            seen=None if operation.sees is None else operation.sees(self.using),
            back=back,
        )

    def tell(self, request: HttpRequest, operation: Operation[Any], done: Done[Any]) -> None:
        say = partial(self.message_user, request)
        if done.counted or not (done.refused or done.gone or done.failure):
            level = messages.SUCCESS if done.counted else messages.WARNING
            say(operation.done % {"count": done.counted}, level)
        for text in shortfalls(done):
            say(text, messages.WARNING)
        if done.failure:
            say(failure_text(done), messages.ERROR)

    def way_back(self, request: HttpRequest) -> str:
        wanted = request.POST.get("next", "")
        hosts, secure = {request.get_host()}, request.is_secure()
        if url_has_allowed_host_and_scheme(wanted, hosts, require_https=secure):
            return wanted
        return self.address("changelist")


def has_field(opts: Any, name: str) -> bool:
    try:
        return bool(opts.get_field(name))
    except FieldDoesNotExist:
        return False
