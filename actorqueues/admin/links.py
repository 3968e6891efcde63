"""Links from one page of the inspector to another, where the reader may follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html

from actorqueues.templatetags.actorqueues_admin import EMPTY

if TYPE_CHECKING:
    from actorqueues.admin.inspector import Inspector


def link(admin: Inspector, request: HttpRequest, model: Any, key: Any, text: Any) -> str:
    """To an object's page; the text alone where there is none, or none for this person."""
    address = admin.way_to(request, model, "change", key)
    return format_html('<a href="{}">{}</a>', address, text) if address else format_html("{}", text)


def link_to_user(admin: Inspector, request: HttpRequest, user_id: str | None) -> str:
    """The name, if this person may look at users."""
    if not user_id:
        return EMPTY
    model = get_user_model()
    shown = admin.admin_site._registry.get(model)
    if shown is None or not shown.has_view_permission(request):
        return user_id
    try:
        user = model._default_manager.filter(pk=user_id).first()
    except (ValueError, TypeError, OverflowError, ValidationError):
        user = None  # what travels with a message may be anybody's id
    return user_id if user is None else link(admin, request, model, user.pk, user)
