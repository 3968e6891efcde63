"""From a URL to the actor that is meant, if the class exposes it and lets this user in."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.urls import reverse
from rest_framework.request import Request

from actorqueues.access import Access, exposed_actor, require
from actorqueues.access.permission import Deed, may_create
from actorqueues.client.targets import Target
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.keys import normalise_key
from actorqueues.definitions.segments import decode_segment, encode_segment
from actorqueues.exceptions import Forbidden
from actorqueues.web.bodies import BoundedJSONParser
from actorqueues.web.views import WebView


class TypeView(WebView):
    """A view below ``{type}/``. Bodies are JSON. Unknown and not exposed are the same 404."""

    parser_classes = [BoundedJSONParser]
    actor_class: type[Actor[Any]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.actor_class = exposed_actor(kwargs["type"])
        self.check_actor_permissions(self.actor_class)

    @property
    def key(self) -> tuple[str, ...]:
        return ()

    @cached_property
    def access(self) -> Access:
        return self.access_to(self.key)

    def require(self, deed: Deed, *names: str) -> None:
        """What the actor's hooks say. Raises ``Forbidden``, for nobody in particular ``NotAuthenticated``."""
        try:
            require(self.actor_class, self.access, deed, *names)
        except Forbidden:
            if self.access.user_id is None:
                self.permission_denied(self.request)
            raise

    def address(self, name: str, **parts: str) -> str:
        """The path of another of these views, below the same mount."""
        mount = getattr(self.request.resolver_match, "namespace", "actorqueues")
        return reverse(f"{mount}:{name}", kwargs={"type": self.actor_class.type_name, **parts})


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
