"""Where a message goes, and how."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from actorqueues.definitions.registry import registry

LONGEST = timedelta(days=3650)


def places() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Queues by actor type."""
    yield "", [("", "---------")]
    for actor in sorted(registry.all(), key=lambda actor: actor.type_name):
        queues = sorted(actor.definition.queues)
        yield (
            actor.type_name,
            [(f"{actor.type_name}/{queue}", f"{actor.type_name}: {queue}") for queue in queues],
        )


class PlaceForm(forms.Form):
    required_css_class = "required"

    place = forms.ChoiceField(label=_("Queue"), choices=places)
    key = forms.CharField(
        label=_("Key of the actor"),
        strip=False,
        widget=AdminTextInputWidget,
        help_text=_("a/b is the key of two parts, a\\/b of one."),
    )

    def clean_place(self) -> dict[str, str]:
        type_name, _, queue = self.cleaned_data["place"].partition("/")
        return {"type": type_name, "queue": queue}


class OptionsForm(forms.Form):
    required_css_class = "required"

    delay = forms.DurationField(
        label=_("Delay"),
        required=False,
        help_text=_("Not before this time from now: seconds, or hours:minutes:seconds."),
        validators=[MinValueValidator(timedelta()), MaxValueValidator(LONGEST)],
        widget=AdminTextInputWidget,
    )
    dedupe = forms.CharField(
        label=_("Dedupe key"),
        required=False,
        widget=AdminTextInputWidget,
        help_text=_("Of messages with equal keys only the first is stored, for a while."),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, prefix="options")
