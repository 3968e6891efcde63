"""Ids, errors, and what travels with a message."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from actorqueues.admin.payloads import payload
from actorqueues.templatetags.actorqueues_admin import amount

MOST = 20_000  # characters


def short(uid: UUID) -> str:
    """Enough to tell it from others on a page; ids begin with their time."""
    return f"{uid.hex[:8]}…{uid.hex[-4:]}"


def cut(text: str | None) -> str:
    """A traceback ends with what it is about, so of a long one both ends are kept."""
    if text is None or len(text) <= MOST:
        return text or ""
    half = MOST // 2
    left_out = _("… %s characters are left out …") % amount(len(text) - 2 * half)
    return f"{text[:half]}\n\n{left_out}\n\n{text[-half:]}"


def envelope(
    request: HttpRequest, type_name: str, queue: str, body: str | None, meta: str | None
) -> dict[str, Any]:
    """Body, headers and params as payloads, for ``sections/envelope.html``."""
    more = json.loads(meta) if meta else {}
    headers, params = (json.dumps(more[name]) if more.get(name) else None for name in ("headers", "params"))
    return {
        "body": payload(request, type_name, "body", queue, body),
        "headers": payload(request, type_name, "headers", queue, headers),
        "params": payload(request, type_name, "params", queue, params),
    }
