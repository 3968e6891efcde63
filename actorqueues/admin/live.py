"""Pages that are drawn anew, section by section, while somebody looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import get_script_prefix

SOCKET = "/ws/actorqueues/admin/"
"""Where ``routing.websocket_urlpatterns`` puts the socket that says when to look again, below the script's prefix."""

SectionTemplates = Mapping[str, str]
"""Of each section of a page (its ``id``): the template below ``admin/actorqueues/sections/``."""


def live(sections: str, watch: str) -> dict[str, str]:
    """For ``live.html``: where the sections come from, and what the socket watches meanwhile."""
    return {"sections": sections, "socket": f"{get_script_prefix().rstrip('/')}{SOCKET}?watch={watch}"}


def drawn(
    request: HttpRequest, templates: SectionTemplates, context: dict[str, Any], *, is_over: bool = False
) -> JsonResponse:
    """The sections as HTML, for a page that shows older ones. ``is_over``: they will never change again."""
    sections = {
        name: render_to_string(f"admin/actorqueues/sections/{template}", context, request)
        for name, template in templates.items()
    }
    answer = JsonResponse({"sections": sections, "is_over": is_over})
    answer["Cache-Control"] = "no-store"
    return answer
