"""From a URL to the actor that is meant, if the class exposes it and lets this user in."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any

from django.urls import NoReverseMatch, ResolverMatch, reverse
from rest_framework.request import Request

from actorqueues.access import Access, exposed_actor
from actorqueues.access.permission import Deed, may_create
from actorqueues.api.browsing import Prefilled
from actorqueues.client.targets import Target
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.keys import normalise_key
from actorqueues.definitions.segments import decode_segment, encode_segment
from actorqueues.exceptions import ActorQueuesError
from actorqueues.web.bodies import BoundedJSONParser, refuse_large
from actorqueues.web.views import WebView

APP_NAME = "actorqueues"  # the namespace of these views
OWN_PARTS = frozenset({"type", "key", "queue", "action", "id"})


def address_of(request: Request, name: str, **parts: str) -> str:
    """The path of a view below the mount that this request came by."""
    match = request.resolver_match
    # The mount may have parts of its own: a version, a tenant.
    outer = {k: v for k, v in getattr(match, "kwargs", {}).items() if k not in OWN_PARTS}
    *nearer, last = mounts_of(match)
    for mount in nearer:
        with suppress(NoReverseMatch):
            return reverse(f"{mount}:{name}", kwargs=outer | parts)
    return reverse(f"{last}:{name}", kwargs=outer | parts)


def mounts_of(match: ResolverMatch | None) -> list[str]:
    """The namespace that a request came by. A view may be mounted alone: then those beside it, from near to far."""
    if match is None:
        return [APP_NAME]
    if match.app_names[-1:] == [APP_NAME]:
        return [match.namespace]
    around = match.namespaces
    return [":".join([*around[:depth], APP_NAME]) for depth in range(len(around), -1, -1)]


class TypeView(WebView):
    """A view below ``{type}/``. Bodies are JSON. Unknown and not exposed are the same 404."""

    parser_classes = [BoundedJSONParser]
    actor_class: type[Actor[Any]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_large(request)
        super().initial(request, *args, **kwargs)
        self.actor_class = exposed_actor(kwargs["type"])
        self.check_permissions(request)

    def check_permissions(self, request: Request) -> None:
        """The browsable API asks again before it shows a form."""
        super().check_permissions(request)
        if hasattr(self, "actor_class"):
            self.check_actor_permissions(self.actor_class)

    @property
    def key(self) -> tuple[str, ...]:
        return ()

    @cached_property
    def access(self) -> Access:
        return self.access_to(self.key)

    def grow_light(self) -> None:
        super().grow_light()
        for name in ("access", "target"):
            self.__dict__.pop(name, None)

    def get_serializer(self, **options: Any) -> Prefilled:
        """Nothing serializes here: it is where the browsable API looks for what to write into its form."""
        try:
            return Prefilled(self.example())
        except ActorQueuesError:  # it shows the form beside "not found" too
            return Prefilled({})

    def example(self) -> dict[str, Any]:
        """A body that could be posted here. Raises what looking for what is meant raises."""
        return {}

    def require(self, deed: Deed, *names: str) -> None:
        """Raises what ``require_of`` raises."""
        self.require_of(self.actor_class, self.access, deed, *names)

    def address(self, name: str, **parts: str) -> str:
        """The path of another of these views, for this type."""
        return address_of(self.request, name, type=self.actor_class.type_name, **parts)


class ActorView(TypeView):
    """A view below ``{type}/{key}/``."""

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Raises ``KeyInvalid``."""
        return normalise_key(decode_segment(self.kwargs["key"]))

    @cached_property
    def public(self) -> dict[str, Any]:
        """The actor's address, for answers."""
        return {"type": self.actor_class.type_name, "key": list(self.key)}

    @property
    def segment(self) -> str:
        """The key as its own URLs have it."""
        return encode_segment(self.key)

    @cached_property
    def target(self) -> Target:
        """To be made by what is sent to it where ``can_create`` allows that, else one that must be there."""
        creates = may_create(self.actor_class, self.access)
        return Target.by_key(self.actor_class, self.key, must_exist=not creates)

    @cached_property
    def present(self) -> Target:
        """One that must be there: using it raises ``ActorNotFound``."""
        return Target.by_key(self.actor_class, self.key, must_exist=True)
