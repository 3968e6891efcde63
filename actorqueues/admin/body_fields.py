"""Form fields for the values of a body. Each gives what goes into its JSON, or ``LEFT_OUT``."""

from __future__ import annotations

import json
from datetime import date, datetime
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date, parse_datetime, parse_time
from django.utils.translation import gettext as _

from actorqueues.admin.schema_nodes import ABSENT, Place, is_decimal

if TYPE_CHECKING:

    class Base(forms.Field): ...

else:
    Base = object

LEFT_OUT: Final = object()
SHORT = 255  # characters; a text that may be longer gets more room
BLANK = ("", "---------")


class Wire(Base):
    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        return LEFT_OUT if cleaned in (None, "") else self.wire(cleaned)

    def wire(self, value: Any) -> Any:
        return value


class IntegerField(Wire, forms.IntegerField):
    widget = widgets.AdminIntegerFieldWidget


class NumberField(Wire, forms.FloatField):
    widget = forms.NumberInput(attrs={"class": "vTextField"})


class TextField(Wire, forms.CharField):
    def wire(self, value: str) -> str:
        return value.replace("\r\n", "\n")  # as browsers send what has lines


class DateField(Wire, forms.DateField):
    widget = widgets.AdminDateWidget

    def wire(self, value: date) -> str:
        return value.isoformat()


class MomentField(Wire, forms.SplitDateTimeField):
    widget = widgets.AdminSplitDateTime

    def wire(self, value: datetime) -> str:
        return value.isoformat()


class TimeField(Wire, forms.TimeField):
    widget = widgets.AdminTimeWidget

    def wire(self, value: time_of_day) -> str:
        return value.isoformat()


class ChoiceField(Wire, forms.ChoiceField):
    """Its keys are JSON: ``1`` and ``"1"`` are two choices."""

    def wire(self, value: str) -> Any:
        return json.loads(value)


class JSONField(forms.CharField):
    widget = widgets.AdminTextareaWidget

    def clean(self, value: Any) -> Any:
        text = (value or "").strip()
        if not text and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        if not text:
            return LEFT_OUT
        try:
            return json.loads(text, parse_constant=no_number)
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("This is not JSON: %s") % error, code="invalid") from None


def no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def field_for(place: Place) -> forms.Field:
    """The field that fits; text for JSON where none does."""
    given: dict[str, Any] = {
        "label": place.label,
        "help_text": place.help_text,
        "required": place.is_required and not place.takes_null,
    }
    node, default = place.node, place.default
    if "const" in node or "enum" in node:
        return choice(node.get("enum", [node.get("const")]), default, given)
    match node.get("type"), node.get("format"):
        case "boolean", _format:
            return switch(place, given)
        case "integer", _format:
            return IntegerField(**given, initial=shown(default))
        case "number", _format:
            return NumberField(**given, initial=shown(default))
        case "string", "date":
            return DateField(**given, initial=parsed(parse_date, default))
        case "string", "date-time":
            return MomentField(**given, initial=parsed(parse_datetime, default))
        case "string", "time":
            return TimeField(**given, initial=parsed(parse_time, default))
        case "string", _format:
            return text(node.get("maxLength"), default, given)
    if is_decimal(node):
        return text(SHORT, default, given)
    initial = None if default in (ABSENT, None) else json.dumps(default, indent=2, ensure_ascii=False)
    given["help_text"] = f"{_('JSON.')} {place.help_text}".strip()
    return JSONField(**given, initial=initial)


def choice(values: list[Any], default: Any, given: dict[str, Any]) -> forms.Field:
    found = [(json.dumps(value), str(value)) for value in values if value is not None]
    is_settled = given["required"] and len(found) == 1
    initial = None if default in (ABSENT, None) else json.dumps(default)
    return ChoiceField(**given, choices=found if is_settled else [BLANK, *found], initial=initial)


def switch(place: Place, given: dict[str, Any]) -> forms.Field:
    """A box is yes or no: what can be left out as well is a choice of three."""
    has_default = isinstance(place.default, bool)
    if place.takes_null or not (place.is_required or has_default):
        choices = [BLANK, ("true", _("Yes")), ("false", _("No"))]
        return ChoiceField(
            **given, choices=choices, initial=json.dumps(place.default) if has_default else None
        )
    return forms.BooleanField(**{**given, "required": False}, initial=place.default is True)


def text(most: Any, default: Any, given: dict[str, Any]) -> forms.Field:
    is_short = isinstance(most, int) and most <= SHORT
    widget = widgets.AdminTextInputWidget() if is_short else widgets.AdminTextareaWidget(attrs={"rows": 2})
    return TextField(**given, strip=False, initial=shown(default), widget=widget)


def shown(default: Any) -> Any:
    return None if default is ABSENT else default


def parsed(parse: Any, default: Any) -> Any:
    try:
        return parse(default) if isinstance(default, str) else None
    except ValueError:
        return None
