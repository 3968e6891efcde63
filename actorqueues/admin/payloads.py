"""Bodies, headers, state and the like, as people may see them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from actorqueues.access import redacted
from actorqueues.admin.trees import Tree
from actorqueues.templatetags.actorqueues_admin import amount

if TYPE_CHECKING:
    from actorqueues.definitions.redaction import Kind

PERMISSION: Final = "actorqueues.view_payload"
MOST_READ = 5_000_000  # characters; what is longer is not even parsed


@dataclass(frozen=True)
class Payload:
    """For ``sections/payload.html``: a tree, or why there is none; what is left out of it."""

    tree: str = ""  # safe HTML
    note: str = ""


def payload(request: HttpRequest, type_name: str, kind: Kind, name: str, json_text: str | None) -> Payload:
    """``name``: of the queue or event; "" for state and input. ``json_text`` as it is stored; None for nothing."""
    if not may_view_payloads(request):
        return Payload(note=_("You may not see payloads."))
    if json_text is None:
        return Payload(note=_("None"))
    if len(json_text) > MOST_READ:
        return Payload(note=_("Too large to be shown: %s characters.") % amount(len(json_text)))
    try:
        value = json.loads(json_text)
    except (ValueError, RecursionError):
        return Payload(note=_("This cannot be read as JSON (%s characters).") % amount(len(json_text)))
    return drawn(redacted(type_name, kind, name, value), len(json_text))


def may_view_payloads(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(PERMISSION))


def drawn(value: Any, characters: int) -> Payload:
    """A value that may be seen; ``characters`` is its whole size."""
    tree = Tree()
    html = tree.draw(value)
    note = _("Cut off. It has %s characters in all.") % amount(characters) if tree.was_cut else ""
    return Payload(html, note)
