"""Django's "add" page of messages: sends one, through a form made of the queue's schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from actorqueues.admin.body_forms import BodyForm
from actorqueues.admin.inspector import Inspector
from actorqueues.admin.send_forms import OptionsForm, PlaceForm
from actorqueues.client.handle import Handle
from actorqueues.client.receipts import Receipt
from actorqueues.definitions.keys import decode_key
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.registry import registry, resolve_queue
from actorqueues.exceptions import ActorQueuesError, BodyInvalid, KeyInvalid
from actorqueues.models import Message

PERMISSION = "actorqueues.send_message"
WHERE = ("type", "queue", "key")


@dataclass(frozen=True)
class Destination:
    handle: Handle[Any]
    queue: Queue[Any, Any]
    key: str

    @classmethod
    def of(cls, asked: QueryDict) -> Destination:
        """Raises ``UnknownActor``, ``UnknownQueue``, ``KeyInvalid``."""
        type_name, queue, key = (asked.get(name, "") for name in WHERE)
        actor_class = registry.get(type_name)
        handle = actor_class.get_or_create(decode_key(key))
        return cls(handle, resolve_queue(actor_class, queue), key)

    def __str__(self) -> str:
        return f"{self.queue.owner.type_name}/{self.key} {self.queue.name}"


class SendingMixin(Inspector):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(PERMISSION))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First where to, then what; ``?type=…&queue=…&key=…`` is the second page."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if not all(request.GET.get(name) for name in WHERE):
            return self.choose(request)
        try:
            destination = Destination.of(request.GET)
        except ActorQueuesError as error:
            return self.choose(request, error)
        return self.write(request, destination)

    def choose(self, request: HttpRequest, error: ActorQueuesError | None = None) -> HttpResponse:
        asked = request.GET
        place = asked.get("place") or f"{asked.get('type', '')}/{asked.get('queue', '')}"
        is_sent = "place" in asked or error is not None
        given = {"place": place, "key": asked.get("key", "")}
        form = PlaceForm(given if is_sent else None, initial=given)
        if error is not None:
            form.add_error("key" if isinstance(error, KeyInvalid) else None, error.message)
        elif is_sent and form.is_valid():
            chosen = {**form.cleaned_data["place"], "key": form.cleaned_data["key"]}
            return HttpResponseRedirect(self.form_address(chosen, asked.get("next", "")))
        return self.page(
            request, "choose.html", _("Send a message"), form=form, came_from=self.came_from(request)
        )

    def form_address(self, chosen: dict[str, str], came_from: str = "", **more: str) -> str:
        query = {**chosen, **more, **({"next": came_from} if came_from else {})}
        return f"{self.address('add')}?{urlencode(query)}"

    def write(self, request: HttpRequest, destination: Destination) -> HttpResponse:
        data = request.POST if request.method == "POST" else None
        as_json = bool(request.GET.get("json"))
        body, options = BodyForm(destination.queue, data, as_json=as_json), OptionsForm(data)
        if data is not None and all([body.is_valid(), options.is_valid()]):
            receipt = self.send(request, destination, body, options)
            if receipt is not None:
                return self.sent(request, destination, receipt)
        came_from = request.POST.get("next") or self.came_from(request)
        chosen = {name: request.GET[name] for name in WHERE}
        return self.page(
            request,
            "send.html",
            _("Send a message"),
            destination=destination,
            body=body,
            options=options,
            errors=bool(body.errors or options.errors),
            form_media=body.media + options.media,
            as_json=as_json,
            other_address=self.form_address(chosen, came_from, **({} if as_json else {"json": "1"})),
            came_from=came_from,
        )

    def send(
        self, request: HttpRequest, to: Destination, body: BodyForm, options: OptionsForm
    ) -> Receipt | None:
        """None when it was refused; the forms say why."""
        given = {name: value for name, value in options.cleaned_data.items() if value}
        try:
            # Its outcome is kept, so that the page of the message can tell what became of it.
            receipt: Receipt = to.handle.send(to.queue, body.body, user=request.user, track=True, **given)
        except BodyInvalid as error:
            body.add_problem(
                tuple(error.metadata.get("path", ())), error.metadata.get("problem", error.message)
            )
        except KeyInvalid as error:
            options.add_error("dedupe", error.message)
        except (ActorQueuesError, ValueError) as error:
            body.add_error(None, str(error))
        else:
            return receipt
        return None

    def sent(self, request: HttpRequest, to: Destination, receipt: Receipt) -> HttpResponse:
        page = self.address("change", receipt.id)
        if receipt.deduplicated:
            text = _("An equal message was sent before; this one was not stored.")
            level, linked = messages.WARNING, _("Look at the first one")
        else:
            log_sending(request, to, receipt)
            text, level, linked = _("The message was sent."), messages.SUCCESS, _("Look at it")
        may_look = self.has_view_permission(request)
        told = format_html('{} <a href="{}">{}</a>', text, page, linked) if may_look else text
        self.message_user(request, told, level)
        stays = "_addanother" in request.POST or (not may_look and not request.POST.get("next"))
        return HttpResponseRedirect(request.get_full_path() if stays else self.way_back(request))

    def came_from(self, request: HttpRequest) -> str:
        """The page that led here, as a path on this site; empty if that is unknown."""
        wanted = request.GET.get("next") or request.META.get("HTTP_REFERER", "")
        if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}):
            return ""
        parts = urlsplit(wanted)
        return "" if parts.path == request.path else parts._replace(scheme="", netloc="").geturl()


def log_sending(request: HttpRequest, to: Destination, receipt: Receipt) -> None:
    """By its id, which leads to its page also when it is settled."""
    LogEntry(
        user=request.user,  # type: ignore[misc]  # whoever has a permission is nobody anonymous
        content_type=ContentType.objects.get_for_model(Message),
        object_id=receipt.id,
        object_repr=f"{to} {receipt.id}"[:200],
        action_flag=ADDITION,
    ).save()
