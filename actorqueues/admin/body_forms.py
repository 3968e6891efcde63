"""A form made of a queue's schema: a field for each value of its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from actorqueues.admin.body_fields import LEFT_OUT, JSONField, field_for
from actorqueues.admin.schema_nodes import Place, followed
from actorqueues.definitions.json_rules import path_text
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.schema import Schema, SchemaError

WHOLE = "body"  # the field of a body that is no object, or is written as JSON
MOST_FIELDS = 60
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

Path = Sequence[str | int]


class BodyForm(forms.Form):
    """``body`` is what to send, once the form is valid."""

    required_css_class = "required"
    body: Any = None

    def __init__(self, queue: Queue[Any, Any], data: Any = None, *, as_json: bool = False) -> None:
        super().__init__(data, prefix="body")
        self.schema = queue.body
        self.places: dict[str, Place] = {}
        self.names: dict[Any, str] = {}  # of fields, by what they are in the body
        if self.schema is not None:
            self.make_fields(self.schema, as_json)

    @property
    def is_whole(self) -> bool:
        return WHOLE in self.fields and not self.names

    def make_fields(self, schema: Schema, as_json: bool) -> None:
        described = described_by(schema)
        definitions = described.get("$defs", {})
        root = followed(described, definitions)
        properties = root.get("properties")
        if as_json or not properties or root.get("type") != "object" or len(properties) > MOST_FIELDS:
            self.make_whole(described, definitions, as_json)
            return
        for number, (alias, node) in enumerate(properties.items()):
            name = alias if PLAIN_NAME.fullmatch(alias) else f"field{number}"
            required = alias in root.get("required", ())
            self.places[name] = Place.of(node, definitions, label=titled(alias), is_required=required)
            self.fields[name] = field_for(self.places[name])
            self.names[alias] = name

    def make_whole(self, described: Mapping[str, Any], definitions: Mapping[str, Any], as_json: bool) -> None:
        place = Place.of(described, definitions, label=_("Body"), is_required=True)
        self.places[WHOLE] = place
        self.fields[WHOLE] = JSONField(label=_("Body"), help_text=_("JSON.")) if as_json else field_for(place)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.schema is not None:
            told = set(self.errors)
            try:
                self.body = self.schema.load(json.dumps(self.written(cleaned)))
            except SchemaError as error:
                for path, problem in error.problems:
                    if self.name_of(path) not in told:
                        self.add_problem(path, problem)
        return cleaned

    def written(self, cleaned: Mapping[str, Any]) -> Any:
        """The body as JSON. What was left blank is null where it must be there, and left out elsewhere."""
        values = {}
        for name, place in self.places.items():
            value = cleaned.get(name, LEFT_OUT)
            if value is LEFT_OUT and place.is_required and place.takes_null:
                value = None
            values[name] = value
        if self.is_whole:
            return None if values[WHOLE] is LEFT_OUT else values[WHOLE]
        return {alias: values[name] for alias, name in self.names.items() if values[name] is not LEFT_OUT}

    def add_problem(self, path: Path, problem: str) -> None:
        """Next to the field that it is about; on top where there is none."""
        name = self.name_of(path)
        within = path if name is None or self.is_whole else path[1:]
        self.add_error(name, f"{path_text(within)}: {problem}" if within else problem)

    def name_of(self, path: Path) -> str | None:
        if self.is_whole:
            return WHOLE
        return self.names.get(path[0]) if path else None


def titled(name: str) -> str:
    """As pydantic does it for values that refer to no model."""
    return name.replace("_", " ").title()


def described_by(schema: Schema) -> dict[str, Any]:
    """Its JSON Schema; nothing for what has none."""
    try:
        return TypeAdapter(schema.annotation).json_schema()
    except (PydanticInvalidForJsonSchema, PydanticUserError):
        return {}
