"""A sleeping actor's state is edited by hand."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from actorqueues.access.redacting import redacted
from actorqueues.admin.actor_page import edit_address
from actorqueues.admin.inspector import Inspector
from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.unclaimed import find_actors
from actorqueues.exceptions import StateInvalid, StateNotSerializable
from actorqueues.models import ActorInstance
from actorqueues.storage.editing import Edit, edit_state
from actorqueues.templatetags.actorqueues_admin import amount
from actorqueues.web.arguments import nests_deeper
from actorqueues.web.outputs import MOST_NESTED

CANNOT = _("You may not edit this state, or not now: an actor that is awake has it in a worker's memory.")
MOST_EDITED = 200_000  # characters, as the form shows them: more is slow to edit, and near what Django takes
UNKNOWN = _("The actor's schema has no field %(field)s: what stands there would not be stored.")
TOO_LARGE = _("It has %(count)s characters; a state of up to %(most)s can be edited here.")
HIDDEN = _(
    "Parts of this state are hidden by the actor's redact(). It cannot be edited here: what you see would be "
    "stored in place of what is hidden."
)
UNREADABLE = _("This cannot be read as JSON (%s characters).")
REFUSED = {
    Edit.AWAKE: _("A worker has taken the actor meanwhile. Nothing was stored: try again when it sleeps."),
    Edit.CHANGED: _("The actor has worked meanwhile. Nothing was stored: this is the form as you left it."),
    Edit.GONE: _("The actor is destroyed. Nothing was stored."),
}


class StateForm(forms.Form):
    """``state``: JSON that fits the actor's schema. ``epoch``: of the row that was read."""

    state = forms.CharField(
        label=_("State"),
        help_text=_("JSON. It is checked against the actor's own schema."),
        widget=forms.Textarea(attrs={"rows": 20, "spellcheck": "false", "class": "vLargeTextField aq-code"}),
    )
    epoch = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, type_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor_class = registry.find(type_name)

    def clean_state(self) -> str:
        """As it will be stored."""
        assert self.actor_class is not None
        state = self.actor_class.definition.state
        entered = self.cleaned_data["state"]
        if (characters := len(entered.replace("\r\n", "\n"))) > MOST_EDITED:
            raise forms.ValidationError(too_large(characters))
        try:
            loaded, given = state.load(entered), json.loads(entered)
            if nests_deeper([given], MOST_NESTED):  # it could not be shown again
                raise forms.ValidationError(f"It nests deeper than {MOST_NESTED} levels.")
            stored = state.dump(loaded)
        except (StateInvalid, StateNotSerializable) as error:
            raise forms.ValidationError(error.message) from None
        # A schema passes over what it does not know: a mistyped name, or what older code has stored.
        if left_out := first_left_out(given, json.loads(stored)):
            raise forms.ValidationError(UNKNOWN % {"field": left_out})
        return stored


class StateEditing(Inspector):
    """One actor, and the page for it. Audited in the actor's history and in the admin's log."""

    def actor(self, actor_id: UUID) -> ActorInstance:
        """Raises ``Http404``."""
        found = find_actors([actor_id], self.using, whole=True)
        if not found:
            raise Http404(_("There is no such actor, and there is no mail for it."))
        return found[0]

    def state_view(self, request: HttpRequest, actor_id: UUID) -> HttpResponse:
        self.require_view(request)
        actor = self.actor(actor_id)
        if not edit_address(self, request, actor):
            raise PermissionDenied(CANNOT)
        text, refusal = editable(actor)
        start = {"state": text, "epoch": actor.epoch}
        form = StateForm(request.POST or None, initial=start, type_name=actor.type)
        if request.method == "POST" and not refusal and form.is_valid():
            outcome = self.store(request, actor, form)
            if outcome is Edit.DONE:
                messages.success(request, _("The state is stored."))
                return HttpResponseRedirect(self.address("change", actor.pk))
            form.add_error(None, REFUSED[outcome])
        page = self.address("change", actor.pk)
        parents = [*self.frame()["parents"], (str(actor), page)]
        context = {"form": form, "refusal": refusal, "parents": parents, "back": page}
        return self.page(request, "state.html", str(_("Edit the state")), **context)

    def store(self, request: HttpRequest, actor: ActorInstance, form: StateForm) -> Edit:
        user, state = str(request.user.pk), form.cleaned_data["state"]
        outcome = edit_state(
            actor.id, state, epoch=form.cleaned_data["epoch"], user_id=user, using=self.using
        )
        if outcome is Edit.DONE:
            self.log_change(request, actor, [{"changed": {"fields": ["State"]}}])
        return outcome


def editable(actor: ActorInstance) -> tuple[str, str]:
    """The state as the form shows it; or, second, why it cannot be edited there."""
    if actor.state and len(actor.state) > MOST_EDITED:
        return "", too_large(len(actor.state))
    try:
        stored = json.loads(actor.state) if actor.state else first_state(actor)
        if redacted(actor.type, "state", "", stored) != stored:
            return "", str(HIDDEN)
        text = json.dumps(stored, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "", str(UNREADABLE % amount(len(actor.state or "")))
    return ("", too_large(len(text))) if len(text) > MOST_EDITED else (text, "")


def too_large(characters: int) -> str:
    return str(TOO_LARGE % {"count": amount(characters), "most": amount(MOST_EDITED)})


def first_state(actor: ActorInstance) -> Any:
    actor_class = registry.find(actor.type)
    assert actor_class is not None
    state = actor_class.definition.state
    return json.loads(state.dump(state.initial()))


def first_left_out(entered: Any, stored: Any, path: str = "") -> str:
    """The path of the first field that is not among what is stored; empty if there is none."""
    if isinstance(entered, dict) and isinstance(stored, dict):
        pairs = [(f"{path}.{name}".lstrip("."), name) for name in entered]
    elif isinstance(entered, list) and isinstance(stored, list):
        pairs = [(f"{path}[{place}]", place) for place in range(min(len(entered), len(stored)))]
    else:
        return ""
    for inner, name in pairs:
        if isinstance(stored, dict) and name not in stored:
            return inner
        if left_out := first_left_out(entered[name], stored[name], inner):
            return left_out
    return ""
