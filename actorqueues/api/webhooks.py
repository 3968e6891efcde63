"""One queue on a URL of your own: for webhooks, HTML forms, and whoever cannot wrap a body."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from inspect import getattr_static
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework import status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access.permission import may_create
from actorqueues.api.envelope import read_idempotency_key
from actorqueues.api.payloads import PlainTextParser, payload_of
from actorqueues.client.handle import Handle
from actorqueues.client.options import OutsideKey, SendOptions
from actorqueues.client.targets import Target
from actorqueues.definitions.keys import Key, normalise_key
from actorqueues.definitions.registry import resolve_queue
from actorqueues.web.bodies import BoundedJSONParser, RequestInvalid, message_body, refuse_large
from actorqueues.web.views import WebView

PARSERS = (BoundedJSONParser, FormParser, MultiPartParser, PlainTextParser)
TAKEN = [parser.media_type for parser in PARSERS]


class QueueView(WebView):
    """``path("hooks/<group>/", QueueView.as_view(actor=Inbox, queue="write"))``

    What is posted is the message's body. ``group`` in the URL is the actor's key (or ``key=`` here), ``dedupe`` the
    dedupe key; the handler finds all of the URL's parameters in ``message.params``. ``accepts``: media types, of
    JSON, the two kinds of forms and plain text. Answers 202 with ``X-Job-Id``.

    Mounting a queue exposes it there, and only there. The actor's permissions and hooks hold; ``permission_classes``
    given here take the place of the actor's own. A subclass may have all of this as attributes.
    """

    actor: Any = None
    queue: Any = None
    key: Key | None = None
    accepts: Sequence[str] | None = None
    permission_classes: Any = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Raises ``ImproperlyConfigured``, ``UnknownQueue``."""
        actor = initkwargs.get("actor", cls.actor)
        # As it was written: as an attribute of this class it would be looked for among its queues.
        queue = initkwargs.get("queue", getattr_static(cls, "queue"))
        if actor is None or queue is None:
            raise ImproperlyConfigured(
                f"{cls.__name__}.as_view() needs actor= and queue=, or the class has them."
            )
        initkwargs["queue"] = resolve_queue(actor, queue)
        accepts = initkwargs.get("accepts", cls.accepts)
        if unknown := set(accepts or ()) - set(TAKEN):
            raise ImproperlyConfigured(
                f"accepts= has {', '.join(sorted(unknown))}. There are: {', '.join(TAKEN)}."
            )
        initkwargs["parser_classes"] = [
            parser for parser in PARSERS if accepts is None or parser.media_type in accepts
        ]
        return super().as_view(**initkwargs)

    def get_permissions(self) -> list[Any]:
        return [permission() for permission in self.permission_classes or ()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_large(request)
        super().initial(request, *args, **kwargs)
        if self.permission_classes is None:
            self.check_actor_permissions(self.actor)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Of the actor's key. Raises ``KeyInvalid``."""
        key = self.kwargs.get("group", self.key)
        if key is None:
            raise ImproperlyConfigured("The URL of a QueueView has <group> in it, or as_view() gets key=.")
        return normalise_key(key)

    def post(self, request: Request, **parameters: Any) -> Response:
        access = self.access_to(self.parts)
        self.require_of(self.actor, access, "publish", self.queue.name)
        body = message_body(self.queue, payload_of(request, self.queue))
        target = Target.by_key(self.actor, self.parts, must_exist=not may_create(self.actor, access))
        receipt = Handle[Any](target).send(self.queue, body, **self.send_options(request, parameters))
        answer = {"status": "queued", "id": receipt.id}
        return Response(answer, status=status.HTTP_202_ACCEPTED, headers={"X-Job-Id": receipt.id})

    def send_options(self, request: Request, parameters: dict[str, Any]) -> SendOptions:
        options: SendOptions = {"user": request.user, "params": {k: plain(v) for k, v in parameters.items()}}
        if "dedupe" in parameters:
            options["dedupe"] = OutsideKey(str(parameters["dedupe"]))
        if (key := read_idempotency_key(request)) is not None:
            options["idempotency_key"] = OutsideKey(key)
        return options


def plain(parameter: Any) -> int | str:
    """As JSON has it: converters make numbers, UUIDs, dates. Raises ``RequestInvalid``."""
    if isinstance(parameter, int):
        return parameter
    if "\x00" in (text := str(parameter)):
        raise RequestInvalid("A parameter of the address contains NUL.")
    return text
