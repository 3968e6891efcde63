"""What there is: the exposed actor types, and the actors of one."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.db.models.functions import Left
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import exposed_actors
from actorqueues.access.exposure import exposed_actions, exposed_queues
from actorqueues.api.addressing import TypeView, address_of
from actorqueues.api.pagination import default_pagination
from actorqueues.conf import settings
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.keys import decode_key, encode_key, public_id
from actorqueues.definitions.segments import NO_PARTS, decode_part, encode_segment
from actorqueues.exceptions import KeyInvalid
from actorqueues.models import ActorInstance, ActorStatus
from actorqueues.web.bodies import RequestInvalid
from actorqueues.web.permissions import refusal_of
from actorqueues.web.views import WebView

LISTED = (ActorStatus.LIVE, ActorStatus.DESTROYING, ActorStatus.HELD)


class TypesView(WebView):
    """``GET`` at the root: the types that the requester's permissions let in."""

    name = "Actor types"
    description = "What can be reached here: a key below a type's address names an actor."

    def get(self, request: Request, **parts: str) -> Response:
        allowed = [found for found in exposed_actors() if refusal_of(found, request, self) is None]
        return Response({"types": [{**described(found), "url": self.place(found)} for found in allowed]})

    def place(self, actor_class: type[Actor[Any]]) -> str:
        return self.request.build_absolute_uri(address_of(self.request, "actors", type=actor_class.type_name))


class ActorsView(TypeView):
    """``GET {type}/``: those that have been claimed or created, by key. ``can_list``: staff, if nobody says else."""

    name = "Actors"
    description = "By key. Narrow them with ?key= (how it begins), ?status= and ?limit=."

    pagination_class: type[BasePagination] | None = None
    """Any of DRF's, for ``ActorsView.as_view(pagination_class=…)``. None: the project's, if it is one of cursors."""

    @cached_property
    def paginator(self) -> BasePagination:
        """By this name the browsable API finds it."""
        return (self.pagination_class or default_pagination())()

    def get(self, request: Request, **parts: str) -> Response:
        self.require("list")
        page = self.paginator.paginate_queryset(self.chosen(request), request, view=self)
        if page is None:  # DRF would list them all
            raise ImproperlyConfigured(
                f"{type(self.paginator).__name__} has no page_size, and there is no PAGE_SIZE."
            )
        listed: Response = self.paginator.get_paginated_response([self.row(actor) for actor in page])
        return listed

    def chosen(self, request: Request) -> QuerySet[ActorInstance]:
        """Raises ``RequestInvalid``, ``KeyInvalid``."""
        actors = (
            ActorInstance.objects.using(settings.DATABASE)
            .filter(type=self.actor_class.type_name)
            .order_by("key")
        )
        status = request.query_params.get("status")
        if status is None:
            actors = actors.present()
        elif status in LISTED:
            actors = actors.filter(status=status)
        else:
            raise RequestInvalid(f"status is one of {', '.join(LISTED)}.")
        if prefix := request.query_params.get("key"):
            start = stored_prefix(prefix)
            # SQLite's LIKE takes a for A: the second condition does not.
            actors = (
                actors.filter(key__startswith=start).alias(start=Left("key", len(start))).filter(start=start)
            )
        return actors

    def row(self, actor: ActorInstance) -> dict[str, Any]:
        parts = decode_key(actor.key)
        return {
            "type": actor.type,
            "key": list(parts),
            "id": public_id(actor.id, actor.generation),
            "status": actor.status,
            "paused": actor.paused_at is not None,
            "awake": actor.worker_id is not None,
            "createdAt": actor.created_at,
            "url": self.request.build_absolute_uri(self.address("actor", key=encode_segment(parts))),
        }


def described(actor_class: type[Actor[Any]]) -> dict[str, Any]:
    actions = exposed_actions(actor_class).values()
    return {
        "type": actor_class.type_name,
        "queues": sorted(exposed_queues(actor_class)),
        "actions": [
            {"name": one.name, "safe": one.safe} for one in sorted(actions, key=lambda action: action.name)
        ],
        "state": actor_class.definition.exposes("state"),
    }


def stored_prefix(segment: str) -> str:
    """Keys as they are stored begin with this: ``42,`` has every key whose first part is 42, ``42,a`` some of them.

    Raises ``KeyInvalid``.
    """
    if segment == NO_PARTS:
        return encode_key(())
    *whole, last = segment.split(",")
    parts = [decode_part(part) for part in (*whole, *filter(None, [last]))]
    if any("\x00" in part for part in parts):
        raise KeyInvalid("A key has no NUL characters.")
    return "/".join(encode_key((part,)) for part in parts) + ("" if last else "/")
